#!/usr/bin/env bash
# A whole cluster on this machine: ZooKeeper, Nimbuses, Supervisors, on free loopback ports.
#
#   tools/cluster.sh up [--supervisors N] [--nimbuses M] [--slots K] [-c KEY=VALUE]…
#                                 starts what does not run, and waits until all is well
#   eval "$(tools/cluster.sh env)"   so that storm and storm-submit find it
#   tools/cluster.sh status       what runs; exit code 1 unless all is well
#   tools/cluster.sh down         ends all of it, workers too, without draining; what it knows stays
#
# State: ${STORM_CLUSTER_DIR:-build/cluster}/{storm.yaml,token,zookeeper,nimbus-N,supervisor-N}, each
# daemon's folder with pid and log. Programs: ${STORM_BIN_DIR:-build/release/bin}. Where Storm is
# installed: ~/.storm/cluster, and the programs that are installed with it.
# A second `up` has the sizes and ports of the first one, unless it is told other sizes.
set -euo pipefail

readonly seconds_max=30  # For one daemon to be ready, and for all to be well.
readonly log_lines=15
umask 077
tools=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tools")

usage() {
    sed -n '2,/^set /{ s/^# \{0,1\}//; /^set /!p }' "$0" >&2
    exit 2
}

say() { echo "cluster.sh: $*" >&2; }

# ---- Arguments -------------------------------------------------------------------------------------

[[ $# -gt 0 ]] || usage
verb=$1
shift
supervisors='' nimbuses='' slots=''
settings=()
[[ $verb == up || $# -eq 0 ]] || usage
while [[ $# -gt 0 ]]; do
    [[ $# -ge 2 ]] || usage
    case $1 in
        --supervisors | --nimbuses | --slots)
            [[ $2 =~ ^[0-9]{1,2}$ ]] || { say "$1 takes a number below 100, not \"$2\""; exit 2; }
            declare "${1#--}=$2"
            ;;
        -c)
            [[ $2 == ?*=* ]] || { say "-c takes KEY=VALUE, not \"$2\""; exit 2; }
            settings+=("$2")
            ;;
        *) usage ;;
    esac
    shift 2
done

if [[ -e $root/CMakeLists.txt ]]; then
    dir=${STORM_CLUSTER_DIR:-$root/build/cluster}
    bin=${STORM_BIN_DIR:-$root/build/release/bin}
    self=tools/cluster.sh
else  # Installed: this is PREFIX/share/storm/tools.
    dir=${STORM_CLUSTER_DIR:-$HOME/.storm/cluster}
    bin=${STORM_BIN_DIR:-$(realpath -m "$root/../../bin")}
    self=$tools/cluster.sh
fi
[[ $bin == /* ]] || bin=$PWD/$bin
[[ $dir == /* ]] || dir=$PWD/$dir
dir=$(realpath -m "$dir")
yaml=$dir/storm.yaml

# ---- Processes -------------------------------------------------------------------------------------

# running NAME: its process id, if it runs. The number in the file may be another's by now.
running() {
    local pid
    [[ -s $dir/$1/pid ]] || return 1
    pid=$(<"$dir/$1/pid")
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$dir/$1" && echo "$pid"
} 2>/dev/null

is_gone() { ! kill -0 "$1" 2>/dev/null || [[ $(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null) == Z ]]; }

# wait_until SECONDS COMMAND…
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.02
    done
}

# number_in FILE KEY: of a flat JSON object.
number_in() { sed -nE "s/.*\"$2\" *: *([0-9]+).*/\1/p" "$1" 2>/dev/null | head -n 1; }

is_ready() {  # NAME
    [[ $(number_in "$dir/$1/${1%-*}.json" pid) == $(<"$dir/$1/pid") ]]
}
is_ready_or_gone() { is_ready "$1" || is_gone "$(<"$dir/$1/pid")"; }

failed() {  # NAME WHAT
    say "$1 $2; the end of $dir/$1/log:"
    tail -n $log_lines "$dir/$1/log" >&2 || true
    exit 1
}

# start NAME PROGRAM ARGUMENT…: unless it runs already.
start() {
    local name=$1
    shift
    ! running "$name" >/dev/null || return 0
    mkdir -p "$dir/$name"
    rm -f "$dir/$name/${name%-*}.json"
    # Not in our session, nor with our lock.
    setsid "$@" </dev/null >>"$dir/$name/log" 2>&1 9>&- &
    echo $! >"$dir/$name/pid"
    disown
}

# All of this cluster's processes: those whose program lies in its folder, or that were told of it.
# Not those that only stand in it, as a person's shell does.
members() {
    local proc exe
    for proc in /proc/[0-9]*; do
        # That of a Supervisor is closed to all but root.
        exe=$(readlink "$proc/exe" 2>/dev/null) ||
            exe=$(tr '\0' '\n' <"$proc/cmdline" 2>/dev/null | sed -n 1p)
        [[ -n $exe ]] || continue
        case ${exe% (deleted)} in
            "$dir"/*) ;;
            */storm-nimbus | */storm-supervisor | */java | */bash | */dash | */python3*)
                tr '\0' '\n' <"$proc/cmdline" 2>/dev/null |
                    grep -qE "^((storm\.local\.dir=)?$(sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$dir")/)" ||
                    continue
                ;;
            *) continue ;;
        esac
        [[ ${proc#/proc/} == "$$" ]] || echo "${proc#/proc/}"
    done
} 2>/dev/null

# ---- What is kept ----------------------------------------------------------------------------------

lock() {
    mkdir -p "$dir"
    exec 9>"$dir/lock"
    flock -w 60 9 || { say "another cluster.sh works on $dir"; exit 1; }
}

# recall NAME DEFAULT: a number that an earlier call has kept.
recall() { [[ -s $dir/kept/$1 ]] && cat "$dir/kept/$1" || echo "$2"; }
keep() { mkdir -p "$dir/kept" && echo "$2" >"$dir/kept/$1"; }

make_token() {
    [[ -s $dir/token ]] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$dir/token"
}

write_yaml() {
    local number port seeds=() setting
    for ((number = 1; number <= nimbuses; ++number)); do
        port=$(recall "nimbus-$number.port" 0)
        [[ $port == 0 ]] || seeds+=("\"127.0.0.1:$port\"")
    done
    {
        echo "# Written by tools/cluster.sh."
        [[ ${#seeds[@]} -eq 0 ]] || echo "nimbus.seeds: [$(IFS=,; echo "${seeds[*]}")]"
        echo "storm.zookeeper.servers: [\"127.0.0.1:$(recall zookeeper.port 0)\"]"
        echo "storm.token.file: \"$dir/token\""
        while IFS= read -r setting; do
            [[ -z $setting ]] || printf '%s: "%s"\n' "${setting%%=*}" "${setting#*=}"
        done <<<"$(recall settings "")"
    } >"$yaml.new"
    mv "$yaml.new" "$yaml"
}

# ---- Commands --------------------------------------------------------------------------------------

start_zookeeper() {
    local try port
    ! running zookeeper >/dev/null || return 0
    for try in 1 2 3 4 5; do
        port=$(recall zookeeper.port 0)
        [[ $port != 0 ]] || port=$((10000 + RANDOM % 20000))
        if "$tools/zookeeper.sh" start "$dir/zookeeper" "$port" 9>&- 2>"$dir/zookeeper.error"; then
            keep zookeeper.port "$port"
            rm -f "$dir/zookeeper.error"
            return
        fi
        # The port of an earlier life must stay: others have it.
        [[ $(recall zookeeper.port 0) == 0 && $try -lt 5 ]] || break
    done
    cat "$dir/zookeeper.error" >&2
    exit 1
}

start_nimbus() {
    local name=nimbus-$1
    start "$name" "$bin/storm-nimbus" --config "$yaml" -c "storm.local.dir=$dir/$name" \
        -c "nimbus.port=$(recall "$name.port" 0)"
}

start_supervisor() {
    local name=supervisor-$1 ports
    ports=$(printf '0,%.0s' $(seq "$slots"))
    start "$name" "$bin/storm-supervisor" --config "$yaml" -c "storm.local.dir=$dir/$name" \
        -c "supervisor.id=$name" -c supervisor.port=0 -c "supervisor.slots.ports=[${ports%,}]"
}

await() {  # NAME
    wait_until $seconds_max is_ready_or_gone "$1" || failed "$1" "is not ready after $seconds_max s"
    is_ready "$1" || failed "$1" "has ended"
}

# all_well: everybody is there and knows each other.
all_well() {
    "$bin/storm" health --config "$yaml" >/dev/null 2>&1 &&
        [[ $("$bin/storm" supervisors -o names --config "$yaml" 2>/dev/null | wc -l) -ge $supervisors ]] &&
        [[ $("$bin/storm" nimbuses -o names --config "$yaml" 2>/dev/null | wc -l) -ge $nimbuses ]]
}

end() {  # PID…: asks, then makes sure.
    local pid
    [[ $# -gt 0 ]] || return 0
    kill -TERM "$@" 2>/dev/null || true
    for pid in "$@"; do
        wait_until 5 is_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
}

stop_beyond() {  # KIND NUMBER: those of an earlier call that are no longer wanted.
    local folder name
    for folder in "$dir/$1"-*; do
        name=${folder##*/}
        [[ -d $folder && ${name#*-} -gt $2 ]] || continue
        # shellcheck disable=SC2046
        end $(running "$name" || true)
        rm -rf "$folder"
    done
}

up() {
    local program number
    for program in storm storm-nimbus storm-supervisor; do
        [[ -x $bin/$program ]] && continue
        say "there is no $bin/$program; build it: cmake --preset release && cmake --build --preset release"
        exit 1
    done
    lock
    supervisors=${supervisors:-$(recall supervisors 1)}
    nimbuses=${nimbuses:-$(recall nimbuses 1)}
    slots=${slots:-$(recall slots 4)}
    [[ $nimbuses -ge 1 && $slots -ge 1 ]] || { say "it takes a Nimbus, and a slot at least"; exit 2; }
    keep supervisors "$supervisors"
    keep nimbuses "$nimbuses"
    keep slots "$slots"
    [[ ${#settings[@]} -eq 0 ]] || keep settings "$(printf '%s\n' "${settings[@]}")"
    stop_beyond nimbus "$nimbuses"
    stop_beyond supervisor "$supervisors"
    make_token
    start_zookeeper
    write_yaml
    for ((number = 1; number <= nimbuses; ++number)); do start_nimbus "$number"; done
    for ((number = 1; number <= nimbuses; ++number)); do
        await "nimbus-$number"
        keep "nimbus-$number.port" "$(number_in "$dir/nimbus-$number/nimbus.json" port)"
    done
    write_yaml
    for ((number = 1; number <= supervisors; ++number)); do start_supervisor "$number"; done
    for ((number = 1; number <= supervisors; ++number)); do await "supervisor-$number"; done
    if ! wait_until $seconds_max all_well; then
        say "all daemons run, but the cluster is not healthy after $seconds_max s:"
        status >&2 || true
        exit 1
    fi
    say "it runs: $nimbuses × Nimbus ($(number_in "$dir/nimbus-1/nimbus.json" port)), $supervisors × Supervisor, ZooKeeper ($(recall zookeeper.port 0))"
    say "now: eval \"\$($self env)\"; storm list"
}

status() {
    local folder name pid well=0
    [[ -d $dir/kept ]] || { say "there is no cluster in $dir; $self up starts one"; return 1; }
    supervisors=$(recall supervisors 1)
    nimbuses=$(recall nimbuses 1)
    for folder in "$dir"/zookeeper "$dir"/nimbus-* "$dir"/supervisor-*; do
        [[ -d $folder ]] || continue
        name=${folder##*/}
        if pid=$(running "$name"); then
            printf '%-14s runs, pid %s, log %s\n' "$name" "$pid" "$folder/log"
        else
            printf '%-14s does not run, log %s\n' "$name" "$folder/log"
            well=1
        fi
    done
    "$bin/storm" health --config "$yaml" || well=1
    all_well || well=1
    return $well
}

down() {
    local name found
    [[ -d $dir ]] || return 0
    lock
    for name in nimbus supervisor; do
        # shellcheck disable=SC2046
        end $(for folder in "$dir/$name"-*; do running "${folder##*/}" || true; done)
    done
    # Workers, and whatever a kill -9 has left. ZooKeeper is among them.
    for _ in 1 2 3; do
        found=$(members)
        [[ -n $found ]] || break
        # shellcheck disable=SC2086
        kill -KILL $found 2>/dev/null || true
        for pid in $found; do wait_until 5 is_gone "$pid" || true; done
    done
    rm -f "$dir"/*/pid
    [[ -z $found ]] || { say "cannot end these processes: ${found//$'\n'/ }"; exit 1; }
}

environment() {
    [[ -s $yaml ]] || { say "there is no cluster in $dir; $self up starts one"; exit 1; }
    printf 'export STORM_CONFIG=%q\n' "$yaml"
    printf 'export STORM_TOKEN_FILE=%q\n' "$dir/token"
    printf 'export STORM_CLUSTER_DIR=%q\n' "$dir"
    # shellcheck disable=SC2016  # For the reader's shell.
    printf 'export PATH=%q:"$PATH"\n' "$bin"
}

case $verb in
    up | status | down) $verb ;;
    env) environment ;;
    -h | --help) usage 2>&1 ;;
    *) usage ;;
esac
