#!/usr/bin/env bash
# Debian's Prometheus finds all processes through Nimbus, and its totals are the topology's own.
# shellcheck source-path=SCRIPTDIR source=cluster_common.sh
source "$(dirname "$0")/cluster_common.sh"
tiny=$2
command -v prometheus >/dev/null || fail "prometheus is not installed: tools/setup.sh test"

up --supervisors 2
submit "$tiny" --name endless -c mode=endless -c topology.workers=2 >stdout
nimbus=127.0.0.1:$(sed -nE 's/.*"port" *: *([0-9]+).*/\1/p' "$STORM_CLUSTER_DIR/nimbus-1/nimbus.json")
cat >prometheus.yml <<END
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
  - job_name: storm
    http_sd_configs: [{url: "http://$nimbus/api/v1/prometheus/targets", refresh_interval: 1s}]
END
promtool check config prometheus.yml >promtool.log || { cat promtool.log; fail "promtool"; }
port=$((20000 + RANDOM % 10000))
start prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:$port

# ask QUERY: the sum of what it finds.
ask() {
    curl -sf --data-urlencode "query=$1" "http://127.0.0.1:$port/api/v1/query" | python3 -c '
import json, sys
print(int(sum(float(r["value"][1]) for r in json.load(sys.stdin)["data"]["result"])))'
}
all_up() { [[ $(ask 'sum(up{job="storm"})' 2>/dev/null) == 5 ]]; }  # 1 + 2 + 2
wait_until 20 "Prometheus has found all five processes" all_up

# When nothing moves any more, both have the same totals.
storm deactivate endless >stdout
settled() {
    local before
    before=$(total endless numbers acked)
    [[ $(total endless numbers emitted) == "$before" && $(total endless sink executed) == "$before" ]]
}
wait_until 15 "all that was emitted is acked" settled
same() { # METRIC COMPONENT COUNT
    [[ $(ask "sum(storm_worker_$1_total{topology=\"endless\",component=\"$2\"})") == $(total endless "$2" "$3") ]]
}
wait_until 10 "emitted is the same" same emitted numbers emitted
wait_until 10 "acked is the same" same acked numbers acked
wait_until 10 "executed is the same" same executed sink executed
[[ $(total endless numbers acked) -gt 0 ]] || fail "nothing was counted"
for url in $(field endless '" ".join(w["metrics_url"] for w in t["workers"])') "http://$nimbus/metrics"; do
    curl -sf "$url" | promtool check metrics >lint 2>&1 || { cat lint; fail "metrics of $url"; }
done
