#!/usr/bin/env bash
# The Durable Streams reference server, file-backed. Arguments: PORT DATA_DIR.
exec node "$(dirname "$0")/ds-reference.mjs" file "$1" "$2"
