# shellcheck shell=bash
# What the scripts of this folder share. Each server lives in a folder of its own (--dir):
#
#   DIR/env        KEY=VALUE lines: how to reach the servers; written atomically, when they are ready
#   DIR/settings   KEY=VALUE lines: ports and passwords, chosen once, so that a restart finds them again
#   DIR/run/       NAME.pid: process id, start time and boot of each program that we started, and of no other
#   DIR/log/       NAME.log
#   DIR/kind       the script that made it, for down-all
#   DIR/lock       held by a running command, so that two of them on one DIR go one after the other
#
# A program is ours if its process id, its start time and the boot are those of the pid file: a process
# id that the system gave to somebody else in the meantime is never signalled.

set -euo pipefail
shopt -s inherit_errexit

hack_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(basename "$0")
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/tidemark
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# --- Packages -----------------------------------------------------------------------------------------

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root for: $*; run that as root, or install sudo"
  fi
}

# need_packages PACKAGE...: installs what is missing, and says so. Servers that packages bring are kept
# from starting by themselves meanwhile.
need_packages() {
  local missing=()
  missing_packages "$@"
  [ ${#missing[@]} -gt 0 ] || return 0
  (
    flock 8
    missing_packages "$@" # somebody else may have installed them while we waited
    [ ${#missing[@]} -gt 0 ] || exit 0
    say "installing from Debian: ${missing[*]}"
    local no_start=/usr/sbin/policy-rc.d
    if [ ! -e $no_start ]; then
      trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' | as_root tee $no_start >/dev/null
      as_root chmod 755 $no_start
    fi
    local log
    log=$(mktemp)
    if ! apt_get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
      say "updating the package lists first"
      if ! { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "could not install ${missing[*]}: see above"
      fi
    fi
    rm -f "$log"
  ) 8>"$(shared_lock apt)" || exit 1
}

missing_packages() {
  local package
  missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
}

# need_python PACKAGE VERSION: a Python package from PyPI, in the cache folder's python/, where nothing else sees it.
need_python() {
  local target=$cache_dir/python
  (
    flock 8
    ! [ -d "$target/$1-$2.dist-info" ] || exit 0
    python3 -m pip --version >/dev/null 2>&1 || need_packages python3-pip
    say "installing from PyPI: $1 $2"
    mkdir -p "$target"
    local log
    log=$(mktemp)
    if ! python3 -m pip install --quiet --disable-pip-version-check --target "$target" --upgrade "$1==$2" \
      >"$log" 2>&1; then
      tail -n 30 "$log" >&2
      die "could not install $1 $2: see above"
    fi
    rm -f "$log"
  ) 8>"$(shared_lock python)" || exit 1
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=900 "$@"
}

# shared_lock NAME: a file to lock against everybody else on this machine who runs as the same user.
shared_lock() {
  local dir=${TMPDIR:-/tmp}/tidemark-$(id -u)
  mkdir -p "$dir"
  printf '%s/%s.lock' "$dir" "$1"
}

# --- Command line -------------------------------------------------------------------------------------

# use_dir PATH: makes it absolute, and sets dir, run_dir and log_dir.
use_dir() {
  [ -n "$1" ] || die "--dir DIR is missing"
  case $1 in
    /*) dir=$1 ;;
    *) dir=$PWD/$1 ;;
  esac
  run_dir=$dir/run
  log_dir=$dir/log
}

make_dir() {
  mkdir -p "$run_dir" "$log_dir"
  printf '%s\n' "$program" >"$dir/kind"
}

# lock_dir: from here to the end of the script we are alone on DIR.
lock_dir() {
  [ -d "$dir" ] || return 0
  exec 9>"$dir/lock"
  if ! flock -n 9; then
    say "waiting for another command on $dir"
    flock 9
  fi
}

# --- Settings and environment -------------------------------------------------------------------------

# setting NAME COMMAND...: the value of NAME in DIR/settings; the first time it is what COMMAND prints.
setting() {
  local name=$1 value
  shift
  if value=$(grep -m 1 "^$name=" "$dir/settings" 2>/dev/null); then
    printf '%s' "${value#*=}"
    return
  fi
  value=$("$@")
  (
    umask 077
    printf '%s=%s\n' "$name" "$value" >>"$dir/settings"
  )
  printf '%s' "$value"
}

# write_env: standard input becomes DIR/env, all at once.
write_env() {
  (
    umask 077
    cat >"$dir/env.new"
  )
  mv "$dir/env.new" "$dir/env"
}

# print_env: DIR/env as shell commands, for eval.
print_env() {
  [ -f "$dir/env" ] || die "nothing is up in $dir"
  local line
  while IFS= read -r line; do
    printf 'export %s=%q\n' "${line%%=*}" "${line#*=}"
  done <"$dir/env"
}

random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

# free_port: a port of 127.0.0.1 below the range that the kernel gives to clients. It stays reserved
# for DIR while DIR exists.
free_port() {
  local ports port owner
  ports=$(dirname "$(shared_lock ports)")/ports
  mkdir -p "$ports"
  (
    flock 8
    for _ in $(seq 500); do
      port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
      if [ -f "$ports/$port" ]; then
        owner=$(<"$ports/$port")
        [ ! -d "$owner" ] || continue
      fi
      [ -z "$(ss -Hltn "sport = :$port")" ] || continue
      printf '%s' "$dir" >"$ports/$port"
      printf '%s' "$port"
      exit 0
    done
    die "found no free port between 20000 and 31999"
  ) 8>"$ports.lock"
}

# --- Processes ----------------------------------------------------------------------------------------

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# process_start PID: the start time in clock ticks since boot; nothing for a process that is gone or a zombie.
# A zombie whose other threads are still ending is not gone: they hold its sockets.
process_start() {
  local stat tasks=("/proc/$1/task/"*)
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  case $1 in
    Z | X) [ ${#tasks[@]} -gt 1 ] || return 1 ;;
  esac
  printf '%s' "${20}"
}

# pid_of NAME: the process id of our running NAME; fails when it does not run.
pid_of() {
  local pid start boot
  read -r pid start boot 2>/dev/null <"$run_dir/$1.pid" || return 1
  [ "$boot" = "$(boot_id)" ] && [ "$start" = "$(process_start "$pid")" ] || return 1
  printf '%s' "$pid"
}

runs() { pid_of "$1" >/dev/null; }

# start NAME COMMAND...: in the background, in a session of its own; output goes to DIR/log/NAME.log.
start() {
  local name=$1
  shift
  rm -f "$run_dir/$name.pid"
  (
    exec 9>&- 8>&- </dev/null >>"$log_dir/$name.log" 2>&1
    trap '' HUP
    me=$BASHPID # inside $(…) it would be another process
    printf '%s %s %s\n' "$me" "$(process_start "$me")" "$(boot_id)" >"$run_dir/$name.pid.new"
    mv "$run_dir/$name.pid.new" "$run_dir/$name.pid"
    exec setsid "$@"
  ) &
  until [ -e "$run_dir/$name.pid" ]; do sleep 0.01; done
}

# stop NAME [SIGNAL] [SECONDS]: ends our NAME and waits until it is gone; SIGKILL when it does not go.
stop() {
  local name=$1 signal=${2:-TERM} seconds=${3:-20} pid
  if pid=$(pid_of "$name"); then
    kill -s "$signal" "$pid" 2>/dev/null || true
    if ! wait_until "$seconds" gone "$name"; then
      say "$name (process $pid) did not end within $seconds s: killing it"
      kill -s KILL "$pid" 2>/dev/null || true
      wait_until 10 gone "$name" || die "$name (process $pid) does not end"
    fi
  fi
  rm -f "$run_dir/$name.pid"
}

gone() { ! runs "$1"; }

# wait_until SECONDS COMMAND...: polls COMMAND, more slowly as time passes.
wait_until() {
  local deadline=$((SECONDS + $1)) pause=0.02
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$deadline" ] || return 1
    sleep $pause
    case $pause in
      0.02) pause=0.05 ;;
      0.05) pause=0.1 ;;
      0.1) pause=0.2 ;;
    esac
  done
}

# wait_ready WHAT PROGRAM SECONDS COMMAND...: says what it waits for; fails with the end of the log when
# PROGRAM died or the time is over.
wait_ready() {
  local what=$1 name=$2 seconds=$3
  shift 3
  ready_or_dead() { "$@" || ! runs "$name"; }
  "$@" >/dev/null 2>&1 && return 0
  say "waiting for $what"
  wait_until "$seconds" ready_or_dead "$@" || true
  "$@" >/dev/null 2>&1 && return 0
  tail -n 20 "$log_dir/$name.log" >&2 || true
  if runs "$name"; then
    die "$what was not ready within $seconds s; its log: $log_dir/$name.log"
  fi
  die "$what ended while starting; its log: $log_dir/$name.log"
}

# follow_owner PID: a watcher takes the servers down, and removes DIR, when process PID is gone.
follow_owner() {
  local owner_start
  owner_start=$(process_start "$1") || die "--owner-pid $1: there is no such process"
  stop owner
  start owner bash "$hack_dir/follow-owner" "$1" "$owner_start" \
    "$hack_dir/$program" down --remove --dir "$dir"
}

# forget_owner: ends the watcher, unless it is the watcher who asks.
forget_owner() {
  [ "$(pid_of owner || true)" != "$$" ] || return 0
  stop owner
}

# remove_dir: DIR with everything in it, once nothing runs in it.
remove_dir() {
  rm -rf "$dir"
}

# --- Certificates -------------------------------------------------------------------------------------

# make_authority DIR SERVER [IP...]: ca.crt, ca.key and SERVER.crt, SERVER.key for localhost, 127.0.0.1 and the
# other addresses.
make_authority() {
  local folder=$1 server=$2 names address
  names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1
  shift 2
  for address in "$@"; do names+=,IP:$address; done
  mkdir -p "$folder"
  (
    cd "$folder"
    umask 077
    {
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj "/CN=Tidemark development authority $(random_hex 4)" -keyout ca.key -out ca.crt \
        -addext keyUsage=critical,keyCertSign,cRLSign
    } 2>/dev/null
    make_certificate "$server" "/CN=localhost" "subjectAltName=$names" serverAuth
    chmod a+rx .
    chmod a+r ca.crt
  )
}

# make_certificate NAME SUBJECT EXTENSION USAGE: NAME.crt and NAME.key in the current folder, signed by ca.
make_certificate() {
  local name=$1 subject=$2 extension=$3 usage=$4
  {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" \
      -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$name.crt" \
      -extfile <(printf '%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "$extension" "$usage")
  } 2>/dev/null
  rm -f "$name.csr"
}
