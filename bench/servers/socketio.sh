#!/usr/bin/env bash
# Socket.IO, in memory. Arguments: PORT DATA_DIR.
exec node "$(dirname "$0")/socketio.mjs" "$1"
