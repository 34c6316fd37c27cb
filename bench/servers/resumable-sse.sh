#!/usr/bin/env bash
# The package resumable-stream on a Redis of its own. Arguments: PORT DATA_DIR.
exec node "$(dirname "$0")/resumable-sse.mjs" "$1" "$2"
