#!/usr/bin/env bash
# A cluster as a user sees it: submit, look, kill; and what is told of all that goes wrong.
# shellcheck source-path=SCRIPTDIR source=cluster_common.sh
source "$(dirname "$0")/cluster_common.sh"
tiny=$2

# ---- Nobody there.
expect_exit 5 "$bin/storm" list -c nimbus.seeds=127.0.0.1:1
expect_text stderr '127.0.0.1:1'
expect_text stderr 'nimbus.seeds'
expect_text stderr 'tools/cluster.sh up'
expect_exit 1 "$tools/cluster.sh" status
expect_exit 1 "$tools/cluster.sh" env

up --supervisors 2 --slots 2
expect_exit 0 "$bin/storm" health
supervisor=$(sed -nE 's/.*"port" *: *([0-9]+).*/\1/p' "$STORM_CLUSTER_DIR/supervisor-1/supervisor.json")
expect_exit 5 "$bin/storm" list -c "nimbus.seeds=127.0.0.1:$supervisor"
expect_text stderr 'this is Supervisor "supervisor-1", no Nimbus'
expect_text stderr 'nimbus.port'
expect_exit 0 "$tools/cluster.sh" status
expect_exit 0 "$bin/storm" list
expect_text stdout 'no topologies'
before=$(pid_of nimbus-1)
up
[[ $(pid_of nimbus-1) == "$before" ]] || fail "a second up starts a second Nimbus"

# ---- A finite one: counts are right, and it is FINISHED.
make_text 3000 1 >text
counts_of 3 text >expected
expect_exit 0 "$bin/storm-submit" "$bin/word-count" --name wc -c topology.workers=2 \
    -c "input=$work/text" -c repeat=3 -c "output=$work/result"
expect_text stdout 'submitted "wc" as wc-'
wait_until 30 "wc has finished" status_is wc FINISHED
expect_same expected result "the counts on a cluster"
expect_exit 0 "$bin/storm" status wc
expect_text stdout 'FINISHED'
expect_exit 0 "$bin/storm" list -o names
expect_text stdout wc
expect_exit 4 "$bin/storm-submit" "$bin/word-count" --name wc -c "input=$work/text"
expect_text stderr '"wc"'
expect_exit 4 "$bin/storm" deactivate wc
expect_text stderr 'FINISHED'
expect_exit 0 "$bin/storm" kill wc -w 0
expect_exit 3 "$bin/storm" status wc
expect_exit 3 "$bin/storm" kill wc

# ---- One that goes on: as storm status tells it, with its logs and metrics; no slot for more.
mkfifo silent
expect_exit 0 "$bin/storm-submit" "$tiny" --name endless -c mode=endless -c topology.workers=2
expect_text stdout 'it runs: 2 executors in 2 workers'
storm status endless -o json >status.json
python3 - status.json <<'END' || fail "storm status -o json is not that of the contract"
import json, sys
t = json.load(open(sys.argv[1]))
assert t["name"] == "endless" and t["id"].startswith("endless-") and t["status"] == "ACTIVE", t
for c in t["components"]:
    assert {"id", "type", "executors", "tasks", "emitted", "executed", "acked", "failed",
            "complete_latency_us"} <= c.keys(), c
for w in t["workers"]:
    assert {"id", "host", "port", "pid", "state", "restarts", "metrics_url"} <= w.keys(), w
    assert w["pid"] > 0 and w["state"] == "RUNNING", w
assert isinstance(t["errors"], list)
END
curl -sf "$(field endless 't["workers"][0]["metrics_url"]')" >metrics
expect_text metrics 'storm_worker_emitted_total{'
expect_exit 0 "$bin/storm" logs endless
expect_exit 0 "$bin/storm" status endless
expect_text stdout '  numbers (task 1): counting on'
[[ $(storm supervisors -o json | python3 -c 'import json, sys; print(sum(s["used_slots"] for s in json.load(sys.stdin)["supervisors"]))') == 2 ]] ||
    fail "two slots are used"

expect_exit 0 "$bin/storm-submit" "$tiny" --name more -c mode=endless -c topology.workers=2 --detach
expect_exit 1 "$bin/storm-submit" "$bin/word-count" --name third -c "input=$work/silent" \
    -c topology.workers=2 --timeout 1s
expect_text stderr 'no free slot'
expect_text stderr 'it stays submitted'
expect_exit 0 "$bin/storm" kill third -w 0
expect_exit 0 "$bin/storm" kill more -w 0

# ---- Off and on again.
expect_exit 0 "$bin/storm" deactivate endless
status_is endless INACTIVE || fail "it is not INACTIVE"
expect_exit 0 "$bin/storm" activate endless
status_is endless ACTIVE || fail "it is not ACTIVE"

# ---- Who may not.
expect_exit 6 env STORM_TOKEN_FILE=/nonexistent "$bin/storm" kill endless
expect_text stderr '/nonexistent'
echo wrong-token-of-some-length >token
chmod 600 token
expect_exit 6 env STORM_TOKEN_FILE="$work/token" "$bin/storm" kill endless
expect_text stderr 'not the one of this cluster'
STORM_TOKEN_FILE=$work/token expect_exit 6 "$bin/storm-submit" "$tiny" --name other -c mode=endless
status_is endless ACTIVE || fail "somebody without the token has killed it"

# ---- What is not a topology.
expect_exit 2 "$bin/storm-submit" "$work/none" --name x
expect_exit 1 "$bin/storm-submit" /bin/true --name x
expect_text stderr 'without describing a topology'
expect_exit 1 "$bin/storm-submit" "$tiny" --name x -c mode=mistake
expect_text stderr 'did you mean "numbers"?'
expect_exit 1 "$bin/storm-submit" "$tiny" --name x
expect_text stderr 'setting "mode" is not set'
expect_exit 2 "$bin/storm-submit" "$tiny" --name x -c topology.wokers=1
expect_text stderr 'did you mean "topology.workers"?'
expect_exit 2 "$bin/storm-submit" "$tiny" --name 'a/b' -c mode=endless
expect_exit 3 "$bin/storm" status x

# ---- One that cannot be prepared: told why.
expect_exit 1 "$bin/storm-submit" "$tiny" --name broken -c mode=open --timeout 20s
expect_text stderr 'no numbers today'
expect_exit 0 "$bin/storm" kill broken -w 0

# ---- One that crashes: whose code, and in which calls; each crash is counted.
if ! is_sanitized "$tiny"; then
    expect_exit 0 "$bin/storm-submit" "$tiny" --name crashes -c mode=segv --detach
    crashed_twice() { [[ $(field crashes 'max(e["count"] for e in t["errors"])') -ge 2 ]]; }
    wait_until 30 "it has crashed twice" crashed_twice
    storm errors >errors
    expect_text errors 'killed by signal 11 (SIGSEGV); it said: ended by SIGSEGV (at address 0x0) while it ran the code of "sink" (task 2)'
    grep -q '  #0 .*Sink::touch(int const volatile\*)' errors || fail "the call that crashed is not named"
    [[ $(field crashes 't["errors"][-1]["component"], t["errors"][-1]["task"]') == "('sink', 2)" ]] ||
        fail "the crash is not the component's: $(field crashes 't["errors"]')"
    storm status crashes >status
    expect_text status 'while it ran the code of "sink" (task 2)'
    expect_exit 0 "$bin/storm" kill crashes -w 0
fi

# ---- One whose prepare() does not return is named; what runs where.
expect_exit 0 "$bin/storm-submit" "$tiny" --name waits -c mode=wait --detach
waits_for_sink() { storm status waits >status && grep -q '"sink" (task 2) has been in prepare() for' status; }
wait_until 30 "the status names who waits" waits_for_sink
grep -qE ' numbers 1, sink 2$' status || fail "what runs where is not told"
expect_exit 0 "$bin/storm" kill waits -w 0

# ---- Errors of one that has finished are there when FINISHED is; equal ones are one.
expect_exit 1 "$bin/storm-submit" "$tiny" --name throws -c mode=throw
wait_until 20 "it has finished" status_is throws FINISHED
[[ $(field throws 'sorted((e["component"], e["count"]) for e in t["errors"])') == "[('numbers', 1), ('sink', 1000)]" ]] ||
    fail "errors of what has finished: $(field throws 't["errors"]')"
expect_exit 0 "$bin/storm" kill throws -w 0

expect_exit 0 "$bin/storm" kill endless -w 0
expect_exit 0 "$bin/storm" list
expect_text stdout 'no topologies'

cluster down
pgrep -f "$work/cluster" >left && fail "processes are left: $(cat left)"
exit 0
