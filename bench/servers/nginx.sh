#!/usr/bin/env bash
# nginx with one worker: a fixed 204 for the append workload, and DATA_DIR/files for the catch-up workload.
# Arguments: PORT DATA_DIR.
# The workers of root's nginx would otherwise be another user, who may not read the files.
user=
((EUID == 0)) && user='user root;'
cat >"$2/nginx.conf" <<CONF
daemon off;
$user
worker_processes 1;
pid $2/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $2;
  proxy_temp_path $2;
  fastcgi_temp_path $2;
  uwsgi_temp_path $2;
  scgi_temp_path $2;
  server {
    listen 127.0.0.1:$1 backlog=4096;
    location / { return 204; }
    location /v1/stream/files/ {
      alias $2/files/;
      default_type application/json;
      sendfile on;
      add_header Stream-Next-Offset end;
      add_header Stream-Up-To-Date true;
    }
  }
}
CONF
exec nginx -c "$2/nginx.conf" -e stderr
