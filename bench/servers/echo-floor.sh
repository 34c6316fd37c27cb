#!/usr/bin/env bash
# A bare echo server on the HTTP engine that Parley uses, from the classes in Parley's jar, with its JVM flags.
# Arguments: PORT DATA_DIR.
here=$(dirname "$0")
exec "$BENCH_JAVA" -XX:+UseG1GC -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED \
  --sun-misc-unsafe-memory-access=allow --add-opens java.base/java.nio=ALL-UNNAMED \
  -Dio.netty.tryReflectionSetAccessible=true -cp "${BENCH_ECHO_CLASSPATH:-$here/../../server/target/parley.jar}" \
  "$here/../floor/EchoFloor.java" "$1"
