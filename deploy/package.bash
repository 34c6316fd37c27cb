# Makes what a release carries. Sourced by ../parley, whose functions it uses.

# What the server and its command line use of the JDK, with what operators need to look into a process (jcmd). What the libraries
# would use if it were there is left out: java.desktop, java.sql and the like.
readonly runtime_modules=java.base,java.logging,java.management,java.naming,java.net.http,java.xml,jdk.jcmd,jdk.jfr,jdk.management,jdk.unsupported
readonly package_tries=3

# Makes target/dist/parley-VERSION-linux-ARCH.tar.gz and its checksums. All bytes but those of the AOT cache depend on the sources
# and the JDK only.
make_package() {
  (($# == 0)) || wrong_usage "package takes no '$1'"
  local version platform name stage epoch
  platform=$(package_platform)
  use_java javac
  can_link
  # The cache of this clone is of no use to the package, which has another runtime.
  ensure_built
  version=$(version_number)
  name=parley-$version-$platform
  stage=$root/target/package/$name
  epoch=$(package_epoch)
  rm -rf "$root/target/package"
  mkdir -p "$stage/bin" "$stage/lib" "$root/target/dist"

  say "linking a Java runtime with the modules that Parley needs"
  link_runtime "$stage/runtime"
  cp "$root/deploy/bin/parley" "$root/deploy/bin/healthcheck" "$stage/bin"
  cp "$jar" "$jvm_options" "$stage/lib"
  cp "$root/deploy/systemd/parley.service" "$stage/lib"
  cp "$root/LICENSE" "$root/NOTICE" "$stage"

  say "listing what is inside"
  list_parts "$stage"

  # The cache knows the times of the files that it was made of, so they get the package's before.
  chmod -R u=rwX,go=rX "$stage"
  set_times "$stage" "$epoch"
  say "training the JVM of the package, so that the server starts faster; this may take a minute or two"
  train_package "$stage"
  chmod 644 "$stage/lib/parley.aot"

  say "packing"
  pack "$stage" "$epoch" "$root/target/dist/$name.tar.gz"
  say "made target/dist/$name.tar.gz ($(du -h "$root/target/dist/$name.tar.gz" | cut -f1))"
}

package_platform() {
  [[ $(uname -s) == Linux ]] || die "packages are made for Linux, on Linux."
  case $(uname -m) in
    x86_64) echo linux-x64 ;;
    aarch64 | arm64) echo linux-arm64 ;;
    *) die "there is no package for $(uname -m): the store has machine code for x86_64 and aarch64 only." ;;
  esac
}

# The time of all files of the package, in seconds since 1970.
package_epoch() {
  if [[ -n ${SOURCE_DATE_EPOCH:-} ]]; then
    [[ $SOURCE_DATE_EPOCH =~ ^[0-9]+$ ]] || die "SOURCE_DATE_EPOCH is no number of seconds: $SOURCE_DATE_EPOCH"
    echo "$SOURCE_DATE_EPOCH"
  else
    git -C "$root" log -1 --format=%ct 2>/dev/null ||
      die "this is no clone, so that the time of the package is not known: set SOURCE_DATE_EPOCH."
  fi
}

# A JDK links runtimes from the files of its modules or, since JEP 493, from itself; some can do neither.
can_link() {
  [[ -x $JAVA_HOME/bin/jlink ]] || die "the JDK in $JAVA_HOME has no jlink: use a complete one, see PARLEY_JAVA_HOME."
  [[ -f $JAVA_HOME/jmods/java.base.jmod ]] ||
    "$JAVA_HOME/bin/jlink" --help | grep -qi 'run-time image enabled' || {
    say "the JDK in $JAVA_HOME cannot make a runtime: it has no jmods folder, and its jlink cannot link from the JDK itself."
    die "Install its jmods, or use a JDK that can do one of both, such as Temurin's; see PARLEY_JAVA_HOME."
  }
}

# Links the runtime $1. Class files keep their line numbers, for traces in logs.
link_runtime() {
  local options=(--add-modules "$runtime_modules" --no-header-files --no-man-pages --output "$1") told
  if told=$("$JAVA_HOME/bin/jlink" "${options[@]}" 2>&1); then
    return
  fi
  # Systems put their own certificates or settings into a JDK, after which it no longer links from itself without being told to.
  [[ $told == *"has been modified"* ]] || die "jlink has failed: $told"
  say "this JDK was changed after it was made, and the changed files go into the package: ${told//$'\n'/ }"
  rm -rf "$1"
  told=$("$JAVA_HOME/bin/jlink" --ignore-modified-runtime "${options[@]}" 2>&1) || die "jlink has failed: $told"
}

# Writes the lists of what is in package $1: the SBOM and the licences.
list_parts() {
  local libraries=$root/target/package/libraries
  maven_in_brief -Dmaven.main.skip=true -Dmaven.test.skip=true --projects server --also-make -Ppackage -Dparley.libraries="$libraries" compile >&2 ||
    die "Maven could not list the libraries"
  mkdir -p "$1/sbom"
  "$JAVA_HOME/bin/java" -cp "$jar" "$root/deploy/Parts.java" "$root/server/target/bom.json" "$libraries" "$root/deploy/licences" \
    "$1" || die "the libraries and their licences could not be listed"
}

set_times() {
  find "$1" -exec touch --no-dereference --date="@$2" {} +
}

train_package() {
  local try status
  for ((try = 1; try <= package_tries; try++)); do
    status=0
    make_aot_cache "$1/runtime" "$1/lib/jvm.options" "$1/lib/parley.jar" "$1/lib/parley.aot" "$root/target/package/training.log" ||
      status=$?
    ((status != 0)) || return 0
    say "the training has failed (status $status, see target/package/training.log)"
  done
  die "the JVM of the package could not be trained"
}

# Packs folder $1 into $3, with all times at $2: the same bytes for the same files. What differs from run to run, the AOT
# cache and its checksum, comes last.
pack() {
  local folder name cache=lib/parley.aot
  folder=$(dirname "$1")
  name=$(basename "$1")
  (
    cd "$1"
    find . -type f ! -path "./$cache" ! -path "./$cache.sha256" ! -path ./SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z |
      xargs -0 sha256sum >SHA256SUMS
    sha256sum "$cache" >"$cache.sha256"
    chmod 644 SHA256SUMS "$cache.sha256"
  )
  set_times "$1" "$2"
  (
    cd "$folder"
    {
      find "$name" ! -path "$name/$cache" ! -path "$name/$cache.sha256" -print0 | LC_ALL=C sort -z
      printf '%s\0' "$name/$cache.sha256" "$name/$cache"
    } | tar --create --format=ustar --null --no-recursion \
      --files-from=- --owner=0 --group=0 --numeric-owner --mtime="@$2" | gzip --no-name >"$3.unfinished"
  )
  mv "$3.unfinished" "$3"
  (cd "$(dirname "$3")" && sha256sum parley-*.tar.gz >SHA256SUMS)
}
