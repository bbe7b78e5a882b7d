#!/usr/bin/env bash
# A topology's program: what it exits with, how signals end it, what it says where, and its metrics.
here=$(cd "$(dirname "$0")" && pwd)
source "$here/common.sh"

tiny=$2
export HOME=$work
unset STORM_CONFIG

# exits_with STATUS ARGUMENT…: and says nothing on stdout.
exits_with() {
    expect_exit "$1" "$tiny" "${@:2}"
    [[ ! -s stdout ]] || fail "something on stdout: ${*:2}"
}

# signal NAME: to what was started last.
signal() { kill -s "$1" "$pid"; }

# launch ARGUMENT…: in the background. What an earlier one said is gone.
launch() {
    rm -f stdout stderr
    start "$tiny" "$@"
}

has_text() { grep -qsF -e "$2" "$1"; }

# ---- Ends by itself.
exits_with 0 -c mode=finish
expect_text stderr 'finished: 1,000 tuples in'
expect_text stderr '0 failed'
[[ $(wc -l <stderr) -eq 1 ]] || fail "a short run says more than one line"
exits_with 0 -c mode=finish -c topology.acker.executors=0

exits_with 0 -c mode=finish -c topology.workers=3
expect_text stderr 'all runs in this one process; storm-submit starts several workers'

# A sanitizer looks for leaks at the exit of the copy, too.
is_sanitized "$tiny" || exits_with 0 -c mode=fork

exits_with 1 -c mode=open
expect_text stderr 'no numbers today'

# ---- Ends by itself, but not all went through.
exits_with 1 -c mode=give-up
expect_text stderr 'error: finished, but 100 tuples of "numbers" failed and were not emitted again'
exits_with 1 -c mode=refuse
expect_text stderr 'error: finished, but "sink" failed 100 untracked tuples, which nobody emits again'
expect_text stderr 'execute of a tuple of stream "default" of "numbers": std::runtime_error: it divides by ten'
exits_with 1 -c mode=misfit
expect_text stderr 'error: finished, but 100 calls of "numbers" threw'
exits_with 1 -c mode=late
expect_text stderr 'error: finished, but 1 call of "numbers" threw'
expect_text stderr 'close: emit_tracked() in close()'
exits_with 1 -c mode=exit
expect_text stderr 'error: user code called exit(0) before the topology had ended'

# ---- What user code does wrong is told with its component and task.
exits_with 1 -c mode=throw
expect_text stderr 'execute of a tuple of stream "default" of "numbers": std::invalid_argument: stoi component=sink task=2'
exits_with 1 -c mode=forget
expect_text stderr 'end execute() by out.ack(input), or derive from BasicBolt, which acks by itself component=sink task=2'
[[ $(grep -c 'neither acked' stderr) -eq 1 ]] || fail "a forgotten ack is told more than once"
# A shell says 128 + the signal.
exits_with 134 -c mode=crash
expect_text stderr 'error: ended by SIGABRT while it ran the code of "sink" (task 2)'
if ! is_sanitized "$tiny"; then
    exits_with 139 -c mode=segv
    expect_text stderr 'error: ended by SIGSEGV (at address 0x0) while it ran the code of "sink" (task 2)'
    grep -q '#0 .*Sink::touch(int const volatile\*)' stderr || fail "the call that crashed is not named"
    grep -q '#1 .*Sink::execute(storm::Tuple const&' stderr || fail "who called it is not named"
    exits_with 139 -c mode=deep
    expect_text stderr ': its stack is used up) while it ran the code of "sink" (task 2)'
fi

# ---- Results that nobody gets.
expect_exit 0 "$tiny" -c mode=print
[[ $(wc -l <stdout) -eq 1000 ]] || fail "not all numbers are printed"
status=0
"$tiny" -c mode=print >/dev/full 2>stderr || status=$?
[[ $status -eq 1 ]] || fail "exit code $status instead of 1 with a full device"
expect_text stderr 'error: cannot write to stdout'
status=0
"$tiny" -c mode=print >&- 2>stderr || status=$?
[[ $status -eq 1 ]] || fail "exit code $status instead of 1 with stdout closed"
expect_text stderr 'error: cannot write to stdout'
"$tiny" -c mode=finish >/dev/full 2>stderr || fail "a full device matters to who prints nothing"
exits_with 1 -c mode=mistake
expect_text stderr 'error[E0107]: bolt "sink" subscribes to unknown component "number"'
expect_text stderr '  hint: did you mean "numbers"?'

# ---- Usage and settings.
exits_with 2
expect_text stderr 'error: setting "mode" is not set'
exits_with 2 -c mode=finish -c topology.wokers=1 -c topology.workers=none
expect_text stderr 'error: -c topology.wokers=1: unknown setting "topology.wokers"; did you mean "topology.workers"?'
expect_text stderr 'error: -c topology.workers=none: '
exits_with 2 --explian
expect_text stderr 'did you mean "--explain"?'
exits_with 2 -c mode=finish --config none.yaml
expect_text stderr 'none.yaml'

mkdir .storm
echo 'mode: open' >.storm/storm.yaml
echo 'mode: finish' >mine.yaml
exits_with 1
STORM_CONFIG=mine.yaml exits_with 0
exits_with 0 --config mine.yaml
exits_with 1 --config mine.yaml -c mode=open
echo 'topology.wokers: 1' >mine.yaml
exits_with 2 --config mine.yaml
expect_text stderr 'error: mine.yaml: unknown setting'
rm -r .storm

# ---- Shows itself.
expect_exit 0 "$tiny" --help
expect_text stdout '-c KEY=VALUE'
expect_exit 0 "$tiny" --version
expect_text stdout 'Storm '
expect_exit 0 "$tiny" -c mode=finish --explain
expect_text stdout 'numbers: spout'
expect_text stdout 'mode = finish'
expect_exit 0 "$tiny" -c mode=finish --describe
python3 -c 'import json; assert len(json.load(open("stdout"))["components"]) == 2'
[[ ! -s stderr ]] || fail "--describe writes to stderr"
cp stdout described
STORM_DESCRIBE_FD=9 "$tiny" -c mode=finish --describe 9>described_apart >stdout
expect_same described described_apart "the description on a descriptor of its own"
[[ ! -s stdout ]] || fail "--describe writes to stdout although it has a descriptor"
for descriptor in 9 x -1 ""; do
    STORM_DESCRIBE_FD=$descriptor exits_with 1 -c mode=finish --describe
    expect_text stderr 'STORM_DESCRIBE_FD'
done
status=0
"$tiny" -c mode=finish --describe >/dev/full 2>stderr || status=$?
[[ $status -eq 1 ]] || fail "exit code $status instead of 1 with a full device"

# ---- Signals.
for name in INT TERM; do
    launch -c mode=endless -c topology.name=mine --metrics-port 0
    wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
    signal "$name"
    ended_with 10 0
    expect_text stderr 'drained: '
done

launch -c mode=silent --metrics-port 0
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
signal INT
ended_with 10 0

# A spout that waits for input in a call that does not return: what came is summed up all the same.
mkfifo input
rm -f stdout stderr
"$tiny" -c mode=read --metrics-port 0 <input >stdout 2>stderr &
pid=$!
started+=("$pid")
exec {writer}>input
printf 'one\ntwo\n' >&"$writer"
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
url=$(grep -o 'http://[^ ]*' stderr)
executed_both() { curl -s "$url" | grep -q '^storm_worker_executed_total{.*"sink".* 2$'; }
wait_until 10 "both lines are executed" executed_both
signal INT
ended_with 10 0
exec {writer}>&-
expect_text stdout 'executed 2'
expect_text stderr 'drained: 2 tuples'

launch -c mode=keep -c topology.drain.timeout.ms=300 --metrics-port 0
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
url=$(grep -o 'http://[^ ]*' stderr)
acked() { [[ $(curl -s "$url" | sed -n 's/^storm_task_numbers_acked_total.* //p') -gt 0 ]]; }
wait_until 10 "something is acked" acked
signal INT
ended_with 10 7
expect_text stderr 'gave up tuples that were pending: 10 of "numbers"'

launch -c mode=keep -c topology.drain.timeout.ms=60000 --metrics-port 0
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
url=$(grep -o 'http://[^ ]*' stderr)
wait_until 10 "something is acked" acked
signal INT
wait_until 10 "it drains" has_text stderr 'draining'
signal INT
ended_with 10 130

launch -c mode=hang -c topology.drain.timeout.ms=300 --metrics-port 0
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
signal TERM
ended_with 20 7
expect_text stderr 'code that does not return, in "sink" (task 2)'

# ---- Metrics.
launch -c mode=endless -c topology.name=mine --metrics-port 0
wait_until 10 "it serves metrics" has_text stderr 'metrics: http'
url=$(grep -o 'http://[^ ]*' stderr)
wait_until 10 "something is acked" acked
curl -sf "$url" >metrics
labels='{topology="mine",component="numbers",stream="default",worker="local"}'
expect_text metrics "storm_worker_emitted_total$labels "
expect_text metrics "storm_worker_acked_total$labels "
expect_text metrics 'storm_worker_executed_total{topology="mine",component="sink",'
expect_text metrics 'storm_worker_complete_latency_seconds_bucket{'
curl -sf "${url%metrics}health" >health
expect_text health '"status":"ok"'
[[ $(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url") -eq 403 ]] ||
    fail "it answers to another host"
first=$pid
port=${url%/metrics}
exits_with 1 -c mode=finish --metrics-port "${port##*:}"
expect_text stderr 'address already in use'
pid=$first
signal TERM
ended_with 10 0

# ---- On a terminal: the status is drawn, and the terminal given back, even after a crash.
"$here/terminal.py" "$tiny" || fail "the status on a terminal"
