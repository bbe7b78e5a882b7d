#!/usr/bin/env bash
# Counts the words of a real text, in this process alone: sets up, builds what ships, runs word-count
# for some ten seconds with a live status, and checks the result against coreutils.
#
#     tools/demo.sh           the text that Debian's bible-kjv prints
#     tools/demo.sh FILE…     these files
#     tools/demo.sh --cluster on a cluster, of which a worker is killed midway
set -euo pipefail

readonly seconds=10
readonly calibrate_bytes=30000000
program=build/release/bin/word-count

say() { echo "demo.sh: $*" >&2; }

# Commas between thousands.
grouped() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; }

case "${1-}" in
    -h | --help)
        sed -n '2,/^set /{ s/^# \{0,1\}//; /^set /!p }' "$0"
        exit 0
        ;;
    --cluster)
        [[ $# -eq 1 ]] || { echo "usage: tools/demo.sh --cluster" >&2; exit 2; }
        exec "$(dirname "$0")/demo-cluster.sh"
        ;;
    -*)
        echo "usage: tools/demo.sh [FILE…]" >&2
        exit 2
        ;;
esac

files=()
for file in "$@"; do
    [[ -f $file && -r $file ]] || { say "cannot read \"$file\""; exit 2; }
    files+=("$(realpath "$file")")
done
cd "$(dirname "$0")/.."

work=$(mktemp -d)
group=""  # Of processes: what runs now, and all that it has started.
clean_up() {
    trap - INT TERM
    if [[ -n $group ]]; then
        kill -TERM -- "-$group" 2>/dev/null || true
        wait "$group" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'say "interrupted"; exit 130' INT
trap 'exit 143' TERM

# in_background COMMAND…: so that a signal is noticed at once, and the command ended with all it has
# started.
in_background() {
    local status=0
    set -m
    "$@" </dev/null &
    group=$!
    set +m
    wait "$group" || status=$?
    group=""
    return "$status"
}

# ---- Set up and build ------------------------------------------------------------------------------

groups=(build)
[[ ${#files[@]} -gt 0 ]] || groups+=(demo)
tools/setup.sh "${groups[@]}"
if [[ ! -f build/release/build.ninja ]]; then
    say "configuring the release build (the first time takes a few minutes in all)"
    in_background cmake --preset release >&2
fi
# Quiet when there is nothing to do.
if ! ninja -C build/release -n word-count | grep -q 'no work to do'; then
    say "building word-count"
    in_background cmake --build --preset release --target word-count storm >&2
fi

# ---- The text --------------------------------------------------------------------------------------

if [[ ${#files[@]} -eq 0 ]]; then
    text=build/demo/bible.txt
    if [[ ! -s $text ]]; then
        say "printing the bible into $text"
        mkdir -p build/demo
        bible -f gen1:1-rev22:21 </dev/null >"$work/bible.txt"
        mv "$work/bible.txt" "$text"
    fi
    files=("$text")
fi
if [[ ${#files[@]} -eq 1 ]]; then
    input=${files[0]}
else  # A folder, in which the files have the order in which they were named.
    input=$work/input
    mkdir "$input"
    for i in "${!files[@]}"; do
        ln -s "${files[i]}" "$input/$(printf '%06d' "$i")-$(basename "${files[i]}")"
    done
fi
bytes=$(cat "${files[@]}" | wc -c)
lines=$(cat "${files[@]}" | wc -l)
[[ $bytes -gt 0 ]] || { say "there is no text in ${files[*]}"; exit 2; }

# How often to read it: a short run tells how quick this machine is.
repeat=$((calibrate_bytes / bytes + 1))
before=$(date +%s%N)
in_background "$program" -c "input=$input" -c "repeat=$repeat" -c output=/dev/null 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }
took_ms=$((($(date +%s%N) - before) / 1000000 + 1))
repeat=$((repeat * seconds * 1000 / took_ms + 1))

# ---- Count -----------------------------------------------------------------------------------------

say "counting the words of ${files[*]} ($(grouped "$lines") lines), read $(grouped "$repeat") times:"
say "$program -c input=$input -c repeat=$repeat"
in_background "$program" -c "input=$input" -c "repeat=$repeat" -c "output=$work/result"

echo
head -n 10 "$work/result"
echo

say "checking against coreutils"
for file in "${files[@]}"; do
    LC_ALL=C tr -cs 'A-Za-z' '\n' <"$file"
    echo
done | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C sort | LC_ALL=C uniq -c |
    awk -v repeat="$repeat" 'NF == 2 { printf "%.0f\t%s\n", $1 * repeat, $2 }' |
    LC_ALL=C sort -k1,1nr -k2,2 >"$work/expected"
if ! cmp -s "$work/result" "$work/expected"; then
    say "the counts DIFFER from those of coreutils (< word-count, > coreutils):"
    diff "$work/result" "$work/expected" | head -n 20 >&2 || true
    exit 1
fi
words=$(wc -l <"$work/result")
total=$(awk '{ sum += $1 } END { printf "%.0f", sum }' "$work/result")
echo "$(grouped "$total") words, $(grouped "$words") different ones: the same counts as coreutils' times $(grouped "$repeat")."
