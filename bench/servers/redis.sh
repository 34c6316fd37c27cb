#!/usr/bin/env bash
# Redis that syncs before it acknowledges: the yardstick of a durable log. Arguments: PORT DATA_DIR.
# No rewriting of the log in mid-measurement.
exec redis-server --bind 127.0.0.1 --port "$1" --dir "$2" --save "" \
  --appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0 --loglevel warning
