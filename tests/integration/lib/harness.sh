# shellcheck shell=bash
# Helpers of the integration tests. A test begins with
#   #!/bin/bash
#   # <the question that it answers>
#   . "$(dirname "$0")/lib/harness.sh"
# and then has: $work, a temporary folder of its own; $CASSETTE and $CASSETTED, the programs; the functions below. What
# it starts with start_daemon, start_program and start_mount is stopped and unmounted, and $work removed, however it ends.
# Exit status: 0 passed, 77 skipped (with the reason on standard output), all else failed.
set -euo pipefail
export LC_ALL=C.UTF-8

CASSETTE_SOURCE=${CASSETTE_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
CASSETTE_BUILD=${CASSETTE_BUILD:-$CASSETTE_SOURCE/build/release}
# shellcheck disable=SC2034 # for the tests
test_data=$CASSETTE_SOURCE/tests/data

work=$(mktemp -d "${TMPDIR:-/tmp}/cassette-test.XXXXXX")
harness_pids=()
harness_mounts=()

note() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }
skip() { printf 'skipped: %s\n' "$*"; exit 77; }

# harness_is_ours PID: whether it is a child of the test that has not ended. The number of one that ended soon belongs to another
# process, of another test as like as not.
harness_is_ours() {
  local stat state parent
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r state parent _ <<<"${stat##*) }"
  [ "$parent" = $$ ] && [ "$state" != Z ]
}

harness_cleanup() {
  local status=$? directory pid
  trap - EXIT INT TERM HUP
  set +e
  for directory in "${harness_mounts[@]}"; do
    mountpoint -q "$directory" && { fusermount3 -u "$directory" 2>/dev/null || fusermount3 -uz "$directory"; }
  done
  for pid in "${harness_pids[@]}"; do harness_is_ours "$pid" && kill -TERM "$pid" 2>/dev/null; done
  for pid in "${harness_pids[@]}"; do
    for _ in {1..200}; do harness_is_ours "$pid" || break; sleep 0.05; done
    harness_is_ours "$pid" && kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  # Not only where mountpoint says so: it does not know a mount whose process died.
  for directory in "${harness_mounts[@]}"; do fusermount3 -uzq "$directory" 2>/dev/null; done
  if [ "$status" != 0 ] && [ "$status" != 77 ]; then
    for log in "$work"/*.log; do [ -s "$log" ] && { printf '== the end of %s\n' "${log##*/}"; tail -n 30 "$log"; }; done
  fi
  [ ! -s "$work/ports" ] || xargs rm -f <"$work/ports"
  rmdir "$harness_ports" 2>/dev/null
  chmod -R u+w "$work" 2>/dev/null
  rm -rf --one-file-system "$work"
  exit "$status"
}
trap harness_cleanup EXIT
trap 'exit 143' INT TERM HUP

# need PROGRAM ...: skips the test where one is not installed.
need() { local p; for p; do command -v "$p" >/dev/null || skip "$p is not installed"; done; }

# need_fuse: skips the test where nothing can be mounted.
need_fuse() { [ -w /dev/fuse ] || skip "/dev/fuse is not there or not writable"; need fusermount3 mountpoint; }

# find_program NAME: prints the path of a program in the build folder.
find_program() {
  local path
  for path in "$CASSETTE_BUILD/tools/$1/$1" "$CASSETTE_BUILD/tools/$1" "$CASSETTE_BUILD/bin/$1" "$CASSETTE_BUILD/$1"; do
    [ -f "$path" ] && [ -x "$path" ] && { printf '%s\n' "$path"; return; }
  done
  printf '%s/tools/%s/%s\n' "$CASSETTE_BUILD" "$1" "$1"
}
CASSETTE=$(find_program cassette)
CASSETTED=$(find_program cassetted)

# wait_until SECONDS COMMAND ...: repeats COMMAND until it succeeds; returns 1 when the time is over: SECONDS is what a
# machine with little to do needs at most, and a busy one gets four times as long.
wait_until() {
  local end=$((SECONDS + $1 * 4))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

# free_port: prints a TCP port below the ephemeral range that nobody on the loopback listens on, and that no other test
# has been given.
harness_ports=/tmp/cassette-test-ports.$UID
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM + $$) % 12000))
    mkdir -p "$harness_ports"
    (set -o noclobber && : >"$harness_ports/$port") 2>/dev/null || continue
    printf '%s\n' "$harness_ports/$port" >>"$work/ports"
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { printf '%s\n' "$port"; return; }
  done
  fail "no free port"
}

# start_program LOG COMMAND ...: runs it in the background, output to $work/LOG. Sets `started`, its process id.
start_program() {
  local log=$work/$1
  shift
  "$@" >>"$log" 2>&1 </dev/null &
  started=$!
  harness_pids+=("$started")
}

harness_ready_or_dead() { ! kill -0 "$daemon_pid" 2>/dev/null || grep -qE '\bready\b' "$daemon_log"; }

# start_daemon STORE [OPTION ...]: runs cassetted, open to all callers, on a free port (or $port, when set) of the loopback
# and waits for its line with the word "ready"; start_closed_daemon: open to its peers alone. Sets daemon_pid, daemon_port, daemon_log. Returns 1 where it ended instead.
start_daemon() {
  local store=$1
  shift
  start_closed_daemon "$store" --set dicom.open=yes "$@"
}

start_closed_daemon() {
  local store=$1
  shift
  daemon_port=${port:-$(free_port)}
  daemon_log=$work/cassetted.$daemon_port.$RANDOM.log
  start_program "${daemon_log##*/}" "$CASSETTED" --store "$store" --port "$daemon_port" --bind 127.0.0.1 "$@"
  daemon_pid=$started
  wait_until 60 harness_ready_or_dead || fail "cassetted is not ready after a while"
  kill -0 "$daemon_pid" 2>/dev/null || { cat "$daemon_log"; return 1; }
}

# seed_random: makes $RANDOM repeatable by CASSETTE_SEED, and says which seed it has. Not in subshells, where it never is.
seed_random() {
  RANDOM=${CASSETTE_SEED:=$$}
  note "CASSETTE_SEED=$CASSETTE_SEED"
}

# stop_daemon [PID]: SIGTERM, and waits for its end. Fails the test unless the exit status is 0.
stop_daemon() {
  local pid=${1:-$daemon_pid} status=0
  harness_is_ours "$pid" && kill -TERM "$pid" || fail "cassetted was gone before it was stopped"
  wait "$pid" || status=$?
  [ "$status" = 0 ] || fail "cassetted ended with status $status after SIGTERM"
}

# kill_daemon [PID]: SIGKILL, and waits until it is gone.
kill_daemon() {
  local pid=${1:-$daemon_pid}
  harness_is_ours "$pid" || fail "cassetted was gone before it was killed"
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null || true
}

harness_mounted_or_dead() { ! kill -0 "$mount_pid" 2>/dev/null || grep -q 'is mounted on' "$1"; }

# start_mount STORE DIR [OPTION ...]: `cassette mount` in the background; waits until it says that it is mounted: the kernel shows it
# before, and who unmounts it then has it fail. Sets mount_pid.
start_mount() {
  local store=$1 directory=$2 log
  shift 2
  mkdir -p "$directory"
  harness_mounts+=("$directory")
  log=mount.${#harness_mounts[@]}.log
  start_program "$log" "$CASSETTE" mount -f "$@" "$store" "$directory"
  mount_pid=$started
  wait_until 60 harness_mounted_or_dead "$work/$log" || fail "$directory is not mounted after a while"
  kill -0 "$mount_pid" 2>/dev/null || fail "cassette mount ended: $(cat "$work/$log")"
}

# will_mount DIR: makes DIR, and has it unmounted at the end (for cassetted --mount).
will_mount() { mkdir -p "$1"; harness_mounts+=("$1"); }

# stop_mount DIR: unmounts and waits until cassette mount has ended.
stop_mount() {
  fusermount3 -u "$1" || fail "cannot unmount $1"
  wait "$mount_pid" || fail "cassette mount ended with status $?"
}

# hashes DIR: SHA-256 of every file below, sorted, without names.
hashes() { find "$1" -type f -print0 | xargs -0 -r sha256sum | cut -c 1-64 | sort; }

# hashes_with_names DIR: lines "<sha256>  ./path", sorted by path.
hashes_with_names() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum); }

# same_files DIR_A DIR_B: fails unless both have the same files by content (each distinct content counted once).
same_files() {
  diff <(hashes "$1" | uniq) <(hashes "$2" | uniq) >"$work/same_files.diff" ||
    { head -n 20 "$work/same_files.diff"; fail "$1 and $2 differ"; }
}

# no_crash STATUS WHAT: fails where an exit status says signal (128 and more) or a sanitizer report (set below).
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99:detect_leaks=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:exitcode=99}
export TSAN_OPTIONS=${TSAN_OPTIONS:-exitcode=99}
no_crash() { { [ "$1" -lt 128 ] && [ "$1" != 99 ]; } || fail "$2 ended with status $1"; }

# shared_data: prints a folder with the shared test files unpacked (one folder an archive, and MANIFEST.tsv); returns 1
# where there are none. tests/run unpacks once and says where by CASSETTE_SHARED_UNPACKED.
shared_data() {
  local packed=${CASSETTE_SHARED_DATA:-$CASSETTE_SOURCE/../shared/data} archive
  if [ -n "${CASSETTE_SHARED_UNPACKED:-}" ]; then printf '%s\n' "$CASSETTE_SHARED_UNPACKED"; return; fi
  [ -e "$packed/MANIFEST.tsv" ] || return 1
  mkdir -p "$work/shared"
  for archive in "$packed"/*.tar.zst; do zstd -dcq "$archive" | tar -x -C "$work/shared"; done
  cp "$packed/MANIFEST.tsv" "$work/shared/"
  printf '%s\n' "$work/shared"
}

# shellcheck disable=SC2034
# need_shared_data: sets `shared`, or skips the test.
need_shared_data() {
  need zstd
  shared=$(shared_data) || skip "the shared test files are not here (CASSETTE_SHARED_DATA or ../shared/data)"
}

# expected_hashes MANIFEST [REGEX]: SHA-256 of the files with a SOP Instance UID whose path matches (damaged ones not), sorted.
expected_hashes() {
  awk -F '\t' -v path="${2:-.}" 'NR > 1 && $19 != "" && $1 !~ /^malformed\// && $1 ~ path { print $3 }' "$1" | sort -u
}

# all_there EXPECTED ACTUAL [ALLOWED]: fails unless each line of the file EXPECTED is in ACTUAL and, where given, each line
# of ACTUAL in ALLOWED. All sorted.
all_there() {
  comm -23 "$1" <(uniq "$2") >"$work/missing"
  [ ! -s "$work/missing" ] || fail "$(wc -l <"$work/missing") of $(wc -l <"$1") files did not come back: $(head -n 3 "$work/missing" | tr '\n' ' ')"
  [ $# -lt 3 ] || [ -z "$(comm -13 "$3" <(uniq "$2"))" ] || fail "files came back that were never put in"
}

# data_sets FOLDER [MANIFEST]: SHA-256 of the data set (what is behind the meta group) of every file below, sorted. With
# MANIFEST only of files whose meta group, which storescp makes from the C-STORE request, has a SOP Instance UID of that set:
# dcmsend cannot read some files' UID, requests another one, and Cassette refuses what contradicts its request.
data_sets() {
  find "$1" -type f -print0 | xargs -0 -r python3 "$CASSETTE_SOURCE/tests/integration/lib/dicom_tool.py" dataset |
    awk -F '[\t ]' -v manifest="${2:-}" 'BEGIN { while (manifest && (getline line <manifest) > 0) { n = split(line, column, "\t"); known[column[n]] } }
      !manifest || $2 in known { print $1 }' | sort
}
