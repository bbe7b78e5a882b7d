#!/usr/bin/env bash
# Everything of a cluster is killed with kill -9, one after the other, while words are counted: no word
# is missing in the end. Without daemons, data flows on and nothing fails.
# shellcheck source-path=SCRIPTDIR source=cluster_common.sh
source "$(dirname "$0")/cluster_common.sh"

# Sessions of 3 s: what a kill of ZooKeeper or Nimbus costs is not what is tested here.
up --supervisors 2 -c storm.zookeeper.session.timeout=3000
passes=40
make_text 5000 6 >text
counts_of $passes text >expected
submit "$bin/word-count" --name wc -c topology.workers=2 -c "input=$work/text" -c repeat=$passes \
    -c rate=8000 -c "progress=$work/progress" -c "output=$work/result" >stdout
wait_until 10 "two workers run" workers_running wc 2
wait_until 10 "lines are acked" total_above wc lines acked 1000

goes_on() { # WHAT: more is acked than now.
    local now
    now=$(total wc lines acked)
    wait_until 20 "lines are acked after the kill of $1" total_above wc lines acked "${now:-0}"
}

# ---- Daemons: workers are the same ones afterwards, and nothing has failed.
before=$(pids wc)
failed=$(total wc lines failed)
kill -KILL "$(pid_of zookeeper)"
sleep 1
[[ $(pids wc) == "$before" ]] || fail "a kill of ZooKeeper has changed the workers"
cluster up 2>up.log || { cat up.log >&2; fail "ZooKeeper does not start again"; }
goes_on ZooKeeper

kill -KILL "$(pid_of nimbus-1)"
expect_exit 5 "$bin/storm" list
cluster up 2>up.log || { cat up.log >&2; fail "Nimbus does not start again"; }
wait_until 10 "Nimbus knows the workers again" workers_running wc 2
goes_on Nimbus

for number in 1 2; do
    kill -KILL "$(pid_of supervisor-$number)"
    for worker in $before; do
        kill -0 "$worker" || fail "worker $worker has died with its Supervisor"
    done
    cluster up 2>up.log || { cat up.log >&2; fail "a Supervisor does not start again"; }
done
wait_until 20 "the workers are adopted" workers_running wc 2
goes_on "both Supervisors"
[[ $(pids wc) == "$before" ]] || fail "workers have been restarted: $before, now $(pids wc)"
[[ $(total wc lines failed) == "$failed" ]] || fail "lines have failed although only daemons were killed"

# ---- Workers, each once; then a Supervisor together with its worker.
for index in 0 1; do
    victim=$(field wc "t['workers'][$index]['pid']")
    kill -KILL "$victim"
    wait_until 20 "the worker is replaced" eval "[[ \$(field wc \"t['workers'][$index]['pid']\") != $victim ]] && workers_running wc 2"
    goes_on "worker $index"
done
kill -KILL "$(pid_of supervisor-1)" "$(field wc "next(w['pid'] for w in t['workers'] if w['supervisor'] == 'supervisor-1')")"
cluster up 2>up.log || { cat up.log >&2; fail "supervisor-1 does not start again"; }
wait_until 20 "both workers run" workers_running wc 2
goes_on "a Supervisor and its worker"

wait_until 60 "wc has finished" status_is wc FINISHED
expect_none_below result expected

# ---- What is left when nobody can end in order is ended.
submit "$bin/word-count" --name idle -c "input=$work/text" -c repeat=1000000 -c rate=10 --detach >stdout
wait_until 10 "a worker runs" workers_running idle 1
worker=$(pids idle)
kill -KILL "$(pid_of supervisor-1)" "$(pid_of supervisor-2)" "$(pid_of nimbus-1)"
kill -0 "$worker" || fail "the worker has died with the daemons"
cluster down
is_zombie_or_gone() { [[ ! -e /proc/$1 || $(cut -d' ' -f3 "/proc/$1/stat") == Z ]]; }  # Nobody may wait for it.
is_zombie_or_gone "$worker" || fail "down has left a worker"
pgrep -f "$work/cluster" >left && fail "processes are left: $(cat left)"
exit 0
