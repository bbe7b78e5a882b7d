#!/usr/bin/env bash
# A topology is spread anew while words are counted: over more workers, with other numbers of
# executors, over a host that came later. No word is missing in the end, and none came twice.
# shellcheck source-path=SCRIPTDIR source=cluster_common.sh
source "$(dirname "$0")/cluster_common.sh"

up --supervisors 1 --slots 2
passes=40
make_text 5000 6 >text
counts_of $passes text >expected
submit "$bin/word-count" --name wc -c "input=$work/text" -c repeat=$passes -c parallelism=4 \
    -c rate=8000 -c "progress=$work/progress" -c "output=$work/result" >stdout
wait_until 10 "lines are acked" total_above wc lines acked 1000
former=$(pids wc)

# ---- What cannot be is refused, and nothing happens.
expect_exit 2 "$bin/storm" rebalance wc -e count
expect_text stderr 'COMPONENT=N'
expect_exit 2 "$bin/storm" rebalance wc -n 0
expect_exit 1 "$bin/storm" rebalance wc -e cuont=2
expect_text stderr 'there is no component "cuont"'
expect_exit 1 "$bin/storm" rebalance wc -e count=5
expect_text stderr 'can have 1 to 4 executors'
expect_exit 3 "$bin/storm" rebalance none
expect_exit 6 env STORM_TOKEN_FILE=/nonexistent "$bin/storm" rebalance wc
[[ $(pids wc) == "$former" ]] || fail "a refusal has changed the workers"

# ---- More workers, then other executors.
expect_exit 0 "$bin/storm" rebalance wc -n 2
expect_text stdout 'it runs: '
expect_text stdout 'in 2 workers'
for worker in $former; do
    [[ " $(pids wc) " != *" $worker "* ]] || fail "worker $worker has not been replaced"
done
expect_exit 0 "$bin/storm" rebalance wc -e count=2 -e split=1
[[ $(field wc 'sorted((c["id"], c["executors"]) for c in t["components"] if c["id"] in ("count", "split"))') == \
    "[('count', 2), ('split', 1)]" ]] || fail "executors: $(field wc 't["components"]')"
acked=$(total wc lines acked)
wait_until 20 "lines are acked afterwards" total_above wc lines acked "${acked:-0}"

# ---- A second host is used.
cluster up --supervisors 2 --slots 2 2>up.log || { cat up.log >&2; fail "no second Supervisor"; }
expect_exit 0 "$bin/storm" rebalance wc
[[ $(field wc 'len({w["supervisor"] for w in t["workers"]})') == 2 ]] ||
    fail "the second host is not used: $(field wc 't["workers"]')"

# ---- A paused one stays so.
expect_exit 0 "$bin/storm" deactivate wc
expect_exit 0 "$bin/storm" rebalance wc -n 1 --detach
wait_until 20 "it has drained, and is paused" status_is wc INACTIVE
wait_until 20 "its one worker runs" workers_running wc 1
expect_exit 0 "$bin/storm" activate wc

wait_until 60 "wc has finished" status_is wc FINISHED
expect_same expected result "the counts after four rebalances"
expect_exit 4 "$bin/storm" rebalance wc
expect_text stderr 'it is FINISHED'
exit 0
