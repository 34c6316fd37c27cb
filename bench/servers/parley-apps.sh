#!/usr/bin/env bash
# Parley as parley.sh starts it, with the admin API: sessions need an app. Arguments: PORT DATA_DIR.
PARLEY_SKIP_BUILD=1 exec "$(dirname "$0")/../../parley" serve --admin-api --host 127.0.0.1 --port "$1" --data "$2"
