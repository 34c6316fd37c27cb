#!/usr/bin/env bash
# Parley on its durable storage, as a user would start it. Arguments: PORT DATA_DIR.
PARLEY_SKIP_BUILD=1 exec "$(dirname "$0")/../../parley" serve --host 127.0.0.1 --port "$1" --data "$2"
