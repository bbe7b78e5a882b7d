# What the end-to-end scripts share. Each is called with the folder of the programs as its first
# argument, and sources this file:
#
#     source "$(dirname "$0")/common.sh"
#
# It gives a folder $work that is gone at the end, and ends the programs that still run then.
# shellcheck shell=bash
set -euo pipefail

[[ $# -ge 1 ]] || { echo "usage: $0 FOLDER-OF-THE-PROGRAMS" >&2; exit 2; }
# shellcheck disable=SC2034  # For the script.
bin=$(cd "$1" && pwd)
work=$(mktemp -d)
started=()  # Process ids.
cd "$work"
export HOME=$work  # Nobody's own settings.
unset STORM_CONFIG

clean_up() {
    local status=$? pid
    for pid in "${started[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [[ $status -ne 0 && -s $work/stderr ]]; then
        echo "--- stderr of the last program:" >&2
        tail -n 30 "$work/stderr" >&2
    fi
    cd /
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# wait_until SECONDS WHAT COMMAND…: asks the command again and again.
wait_until() {
    local tries=$(($1 * 20)) what=$2
    shift 2
    until "$@"; do
        ((tries-- > 0)) || fail "in vain waited until $what"
        sleep 0.05
    done
}

has_ended() { ! kill -0 "$1" 2>/dev/null; }

# start COMMAND…: in the background, with its output in stdout and stderr; its process id in $pid.
start() {
    "$@" >stdout 2>stderr </dev/null &
    pid=$!
    started+=("$pid")
}

# ended_with SECONDS STATUS: what was started last ends in time, and with this status.
ended_with() {
    local status=0
    wait_until "$1" "process $pid has ended" has_ended "$pid"
    wait "$pid" || status=$?
    [[ $status -eq $2 ]] || fail "exit code $status instead of $2"
}

# expect_exit STATUS COMMAND…: with its output in stdout and stderr.
expect_exit() {
    local expected=$1 status=0
    shift
    timeout 60 "$@" >stdout 2>stderr </dev/null || status=$?
    [[ $status -eq $expected ]] || fail "exit code $status instead of $expected: $*"
}

# expect_text FILE TEXT: which stands somewhere in the file.
expect_text() {
    grep -qF -e "$2" "$1" || fail "no \"$2\" in $1: $(head -c 2000 "$1")"
}

# make_text LINES SEED: frequent and rare words, capitals, figures, empty lines.
make_text() {
    awk -v lines="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        for (line = 0; line < lines; ++line) {
            text = ""
            for (words = int(rand() * 20); words > 0; --words) {
                number = int(exp(rand() * log(30000)))
                word = ""
                while (number > 0) {
                    word = word sprintf("%c", 97 + number % 26)
                    number = int(number / 26)
                }
                if (rand() < 0.1) word = toupper(word)
                text = text (rand() < 0.1 ? ", " : rand() < 0.05 ? "7-" : " ") word
            }
            print text
        }
    }'
}

# counts_of REPEAT FILE…: the result that word-count should have, by coreutils.
counts_of() {
    local repeat=$1 file
    shift
    for file in "$@"; do
        LC_ALL=C tr -cs 'A-Za-z' '\n' <"$file"
        echo
    done | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C sort | LC_ALL=C uniq -c |
        awk -v repeat="$repeat" 'NF == 2 { print $1 * repeat "\t" $2 }' |
        LC_ALL=C sort -k1,1nr -k2,2
}

# expect_same FILE FILE WHAT
expect_same() {
    cmp -s "$1" "$2" && return
    diff "$1" "$2" | head -n 10 >&2 || true
    fail "$3"
}

# is_sanitized PROGRAM: a sanitizer tells of its crashes, and of leaks at each exit.
is_sanitized() { grep -q '__asan_init\|__tsan_init' "$1"; }
