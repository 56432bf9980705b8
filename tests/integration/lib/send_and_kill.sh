# shellcheck shell=bash disable=SC2154 # daemon_pid and daemon_port come from start_daemon
# For the tests that kill the daemon in the middle of a dcmsend; after harness.sh.

# send_and_kill FOLDER MAX UIDS: sends FOLDER to the daemon with dcmsend, kills the daemon with SIGKILL at a random one of
# the first MAX successes that the sender sees, and writes the SOP Instance UIDs of all that it saw, sorted, to the file UIDS.
send_and_kill() {
  local last=$((1 + RANDOM % $2))
  { dcmsend -d --call CASSETTE --scan-directories 127.0.0.1 "$daemon_port" "$1" 2>&1 || true; } |
    # The UIDs of the successful responses in dcmsend's debug output (PS3.7 9.3.1.2, as DCMTK prints it).
    awk -v last="$last" -v daemon="$daemon_pid" '
      /INCOMING DIMSE MESSAGE/ { uid = "" }
      /Affected SOP Instance UID/ { uid = $NF }
      /DIMSE Status.*: 0x0000/ && uid != "" { print uid; uid = ""; if (++seen == last) system("kill -KILL " daemon) }' |
    sort -u >"$3"
  # Where the sender gave up before.
  { ! harness_is_ours "$daemon_pid" || kill -KILL "$daemon_pid" || true; wait "$daemon_pid" || true; } 2>/dev/null
}
