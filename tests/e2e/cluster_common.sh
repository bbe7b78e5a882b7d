# What the scripts on a cluster share: source it instead of common.sh.
#
# It gives cluster(), which is tools/cluster.sh for a folder in $work, and everything else to ask a
# topology. The cluster ends with the script, however that ends.
# shellcheck shell=bash source-path=SCRIPTDIR source=common.sh
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../tools" && pwd)
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Root's topologies run as users of their own, and are to read and write here.
chmod 1777 "$work"
export STORM_CLUSTER_DIR=$work/cluster STORM_BIN_DIR=$bin
unset STORM_TOKEN_FILE

cluster() { "$tools/cluster.sh" "$@"; }

end_cluster() {
    local status=$? daemon
    if [[ $status -ne 0 ]]; then
        for daemon in "$STORM_CLUSTER_DIR"/{nimbus,supervisor}-*/log "$STORM_CLUSTER_DIR"/supervisor-*/logs/*/*/stderr; do
            [[ -s $daemon ]] || continue
            echo "--- the end of $daemon:" >&2
            tail -n 15 "$daemon" >&2
        done
    fi
    cluster down || true
    return $status
}
trap 'end_cluster; clean_up' EXIT

# up ARGUMENT…: a cluster, and storm finds it.
up() {
    cluster up "$@" 2>up.log || { cat up.log >&2; fail "the cluster does not start"; }
    eval "$(cluster env)"
}

storm() { "$bin/storm" "$@"; }
submit() { "$bin/storm-submit" "$@"; }

# field TOPOLOGY EXPRESSION: of storm status -o json, in Python: t is the topology.
field() {
    storm status "$1" -o json 2>/dev/null |
        python3 -c 'import json, sys; t = json.load(sys.stdin); print(eval(sys.argv[1]))' "$2" 2>/dev/null
}
status_is() { [[ $(field "$1" 't["status"]') == "$2" ]]; }
# total TOPOLOGY COMPONENT COUNT
total() { field "$1" "next(c['$3'] for c in t['components'] if c['id'] == '$2')"; }
total_above() { [[ $(total "$1" "$2" "$3") -gt $4 ]]; }
workers_running() { [[ $(field "$1" 'sum(w["state"] == "RUNNING" and w["pid"] > 0 for w in t["workers"])') == "$2" ]]; }
pids() { field "$1" '" ".join(str(w["pid"]) for w in t["workers"])'; }
pid_of() { cat "$STORM_CLUSTER_DIR/$1/pid"; }

# expect_none_below RESULT EXPECTED: every word came at least as often as it should.
expect_none_below() {
    awk -F '\t' '
        NR == FNR { count[$2] = $1; next }
        !($2 in count) || count[$2] < $1 { print "below: " $0 " " count[$2]; ++below }
        { excess += count[$2] - $1; total += $1 }
        END { print excess " of " total " words were counted twice"; exit below > 0 }
    ' "$1" "$2" || fail "words are missing"
}
