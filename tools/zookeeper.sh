#!/usr/bin/env bash
# One ZooKeeper server on 127.0.0.1 (or $STORM_ZOOKEEPER_ADDRESS), from Debian's package, for tests and tools/cluster.sh.
#
#   tools/zookeeper.sh start DIR PORT   returns when it answers; DIR gets pid, log and data/
#   tools/zookeeper.sh stop DIR         ends it, and waits for that
#   tools/zookeeper.sh run DIR PORT     in the foreground, as this very process
#
# DIR may be an earlier one: the server goes on with what is there.
set -euo pipefail

jars=/usr/share/java
seconds_max=20

usage() {
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Waits until the command succeeds; fails after seconds_max.
wait_until() {
    local end=$((SECONDS + seconds_max))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.02
    done
}

address=${STORM_ZOOKEEPER_ADDRESS:-127.0.0.1}
answers() { (exec 3<>"/dev/tcp/$address/$1") 2>/dev/null; }
is_over() { ! kill -0 "$1" 2>/dev/null; }
answers_or_over() { answers "$1" || is_over "$2"; }

run() {
    local dir=$1 port=$2
    local class_path=$dir jar
    for jar in zookeeper zookeeper-jute slf4j-api slf4j-simple netty-handler netty-transport \
        netty-buffer netty-common netty-resolver netty-codec metrics-core snappy-java; do
        [[ -e $jars/$jar.jar ]] || { echo "zookeeper.sh: $jars/$jar.jar is missing: apt-get install zookeeper" >&2; exit 1; }
        class_path+=:$jars/$jar.jar
    done
    mkdir -p "$dir/data"
    cat >"$dir/zoo.cfg" <<CONFIG
dataDir=$dir/data
clientPort=$port
clientPortAddress=$address
tickTime=500
minSessionTimeout=1000
maxSessionTimeout=60000
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=
forceSync=no
CONFIG
    exec java -Xms16m -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto -XX:-UsePerfData \
        -Dzookeeper.jmx.log4j.disable=true -Djute.maxbuffer=1048575 -Dzookeeper.preAllocSize=1024 \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
        -cp "$class_path" org.apache.zookeeper.server.quorum.QuorumPeerMain "$dir/zoo.cfg"
}

start() {
    local dir=$1 port=$2 pid
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    if answers "$port"; then
        echo "zookeeper.sh: port $port is taken" >&2
        exit 1
    fi
    setsid "$0" run "$dir" "$port" </dev/null >>"$dir/log" 2>&1 &
    pid=$!
    echo "$pid" >"$dir/pid"
    wait_until answers_or_over "$port" "$pid" || true
    if is_over "$pid" || ! answers "$port"; then
        echo "zookeeper.sh: ZooKeeper did not start; the end of $dir/log:" >&2
        tail -n 5 "$dir/log" >&2
        kill -9 "$pid" 2>/dev/null || true
        rm -f "$dir/pid"
        exit 1
    fi
}

stop() {
    local dir=$1 pid
    [[ -e $dir/pid ]] || return 0
    pid=$(<"$dir/pid")
    # The number may be another's by now.
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -F "$(cd "$dir" && pwd)/zoo.cfg"; then
        kill "$pid" 2>/dev/null || true
        wait_until is_over "$pid" || kill -9 "$pid" 2>/dev/null || true
    fi
    rm -f "$dir/pid"
}

case ${1-} in
    start | run) [[ $# == 3 && $3 =~ ^[0-9]+$ ]] || usage ;;
    stop) [[ $# == 2 ]] || usage ;;
    *) usage ;;
esac
"$@"
