#!/usr/bin/env bash
# The demo on a real cluster: ZooKeeper, Nimbus and two Supervisors on this machine. Counts the words of
# a real text in two worker processes, kills one of them midway with kill -9, and shows that no word is
# missing. Everything ends with it, also on Ctrl-C. Called by tools/demo.sh --cluster.
set -euo pipefail

readonly repeat=8
readonly rate=20000        # Lines/s: it should last for some seconds.
readonly kill_after_s=3    # Of counting.
readonly finish_max_s=60
cd "$(dirname "$0")/.."
bin=$PWD/build/release/bin
text=$PWD/build/demo/bible.txt

say() { echo "demo.sh: $*" >&2; }
title() { printf '\n== %s\n' "$*"; }
show() { # COMMAND…: and what it prints.
    printf '$ %s\n' "$*"
    "$@"
}

tools/setup.sh build cluster demo
if [[ ! -f build/release/build.ninja ]]; then
    say "configuring the release build (the first time takes a few minutes in all)"
    cmake --preset release >&2
fi
targets=(storm storm-submit storm-nimbus storm-supervisor word-count)
if ! ninja -C build/release -n "${targets[@]}" | grep -q 'no work to do'; then
    say "building ${targets[*]}"
    cmake --build --preset release --target "${targets[@]}" >&2
fi
if [[ ! -s $text ]]; then
    mkdir -p build/demo
    bible -f gen1:1-rev22:21 </dev/null >"$text.new"
    mv "$text.new" "$text"
fi

work=$(mktemp -d)
# Started by root, the topology runs as a user of its own: it reads what all may read, and writes where
# all may write.
chmod 711 "$work"
mkdir -m 1777 "$work/out"
install -m 644 "$text" "$work/bible.txt"
export STORM_CLUSTER_DIR=$work/cluster STORM_BIN_DIR=$bin
clean_up() {
    trap '' INT TERM
    say "tearing down"
    tools/cluster.sh down || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

title "a cluster: ZooKeeper, Nimbus, two Supervisors"
tools/cluster.sh up --supervisors 2
eval "$(tools/cluster.sh env)"
show storm health

title "word-count in two workers, on $(wc -l <"$text") lines, read $repeat times"
show storm-submit "$bin/word-count" --name demo -c topology.workers=2 -c input="$work/bible.txt" \
    -c repeat=$repeat -c rate=$rate -c progress="$work/out/progress" -c output="$work/out/result"
sleep $kill_after_s
show storm list
show storm status demo

title "kill -9 of a worker"
field() { storm status demo -o json | sed -nE "s/.*\"$1\": \"?([^\",]*).*/\1/p"; }
victim=$(field pid | sed -n '/^[1-9]/p' | tail -n 1)
show kill -9 "$victim"
sleep 1
show storm status demo

title "metrics of the first worker"
url=$(field metrics_url | sed -n '/^http/p' | head -n 1)
metrics() { # URL
    local place=${1#http://}
    local host=${place%%/*}
    exec 3<>"/dev/tcp/${host%:*}/${host##*:}"
    printf 'GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n' "${place#*/}" "$host" >&3
    grep -E '^storm_worker_(emitted|executed|acked|failed)_total' <&3
    exec 3<&-
}
echo "$url"
metrics "$url" | head -n 12

title "waiting for the end of the input"
for ((tries = finish_max_s * 4; ; --tries)); do
    [[ $(field status | head -n 1) != FINISHED ]] || break
    ((tries > 0)) || { say "it has not finished within $finish_max_s s"; storm status demo; exit 1; }
    sleep 0.25
done
show storm list
show storm kill demo -w 0
head -n 5 "$work/out/result"

LC_ALL=C tr -cs 'A-Za-z' '\n' <"$text" | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C sort |
    LC_ALL=C uniq -c | awk -v repeat=$repeat 'NF == 2 { printf "%d\t%s\n", $1 * repeat, $2 }' >"$work/expected"
echo
awk -F '\t' '
    NR == FNR { count[$2] = $1; next }
    !($2 in count) || count[$2] < $1 { print "MISSING: " $2 ": " count[$2] " of " $1; ++missing; next }
    { total += $1; twice += count[$2] - $1; ++words }
    END {
        if (missing) exit 1
        printf "%d words, %d different ones: none is missing, against coreutils.\n", total, words
        printf "%d of them were counted a second time, after the kill: at least once is the promise.\n", twice
    }' "$work/out/result" "$work/expected" || { say "words are MISSING"; exit 1; }
