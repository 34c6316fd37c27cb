#!/usr/bin/env bash
# The floor of fan-out, see ../floor/fanout.c. Arguments: PORT DATA_DIR.
exec "$(dirname "$0")/../out/bin/fanout-floor" "$1"
