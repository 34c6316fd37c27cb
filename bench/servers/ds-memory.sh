#!/usr/bin/env bash
# The Durable Streams reference server, in memory. Arguments: PORT DATA_DIR.
exec node "$(dirname "$0")/ds-reference.mjs" memory "$1" "$2"
