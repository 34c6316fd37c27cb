#!/usr/bin/env bash
# Parley as another checkout has built it, to compare two commits. Arguments: PORT DATA_DIR.
PARLEY_SKIP_BUILD=1 exec "$PARLEY_BEFORE/parley" serve --host 127.0.0.1 --port "$1" --data "$2"
