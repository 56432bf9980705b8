# shellcheck shell=bash disable=SC2154 # work comes from harness.sh
# For the tests that kill a command at a random moment; after harness.sh and seed_random.
killed=0 done=0
declare -A kill_within_ms

# kill_within KIND COMMAND ...: SIGKILL at a random moment of it. Sets outcome, 137 where it was killed or ended just then, which nobody can
# tell apart, and counts in killed and done; its complaints go to killed.log. How long the commands of a KIND take is learned from those that end, of which the first is not killed, and
# more is tried after each kill: so the moments spread over them, however fast and busy the machine is.
kill_within() {
  local kind=$1 ms=${kill_within_ms[$1]:-0} began moment
  shift
  printf -v moment '%09d' $((ms > 0 ? 1 + RANDOM % ms : 0)) # none: without a limit
  began=${EPOCHREALTIME/./}
  outcome=0
  timeout --foreground --signal=KILL "${moment:0:6}.${moment:6}" "$@" 2>>"$work/killed.log" || outcome=$?
  if [ $outcome = 137 ]; then
    killed=$((killed + 1))
    kill_within_ms[$kind]=$((ms * 5 / 4 + 1))
  else
    done=$((done + 1))
    kill_within_ms[$kind]=$(((${EPOCHREALTIME/./} - began) / 1000 + 1))
    [ $outcome != 124 ] || outcome=137
  fi
}

# goes_on ROUND ROUNDS KILLED: whether there is another round: ROUNDS, and more, up to eight times as many, until KILLED were killed.
goes_on() { [ "$1" -le "$2" ] || { [ "$killed" -lt "$3" ] && [ "$1" -le $(($2 * 8)) ]; }; }
