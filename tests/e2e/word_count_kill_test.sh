#!/usr/bin/env bash
# word-count with progress=FILE is killed, again and again, and started again: no word may be missing
# in the end. Stopped in an orderly way, none is counted twice either.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

passes=20
make_text 5000 6 >text
counts_of "$passes" text >expected
run=("$bin/word-count" -c input=text -c "repeat=$passes" -c progress=progress -c output=result)

pass() { if [[ -r progress ]]; then sed -n 's/^pass //p' progress; else echo 0; fi; }
is_past() { has_ended "$pid" || [[ $(pass) -gt $1 ]]; }

# kill_midway SIGNAL RATE: when two more passes are done.
kill_midway() {
    local before
    before=$(pass)
    start "${run[@]}" -c rate="$2"
    wait_until 30 "two passes more are done" is_past $((before + 1))
    has_ended "$pid" && fail "it ended before it could be killed"
    kill -"$1" "$pid"
}

for _ in 1 2 3; do
    kill_midway KILL 20000
    wait "$pid" 2>/dev/null && fail "it was not killed"
    [[ ! -e result ]] || fail "a result before the end"
done

# Other settings than those of the files are refused, and the message names the file.
expect_exit 1 "${run[@]}" -c parallelism=3
expect_text stderr 'progress'
expect_text stderr 'parallelism=2, and this run has parallelism=3'
expect_exit 1 "${run[@]}" -c repeat=21
expect_text stderr 'repeat=20, and this run has repeat=21'
mv progress.counts-1 moved
expect_exit 1 "${run[@]}"
expect_text stderr 'progress.counts-1" is missing'
mv moved progress.counts-1

expect_exit 0 "${run[@]}"
awk -F '\t' '
    NR == FNR { count[$2] = $1; next }
    !($2 in count) || count[$2] < $1 { print "below: " $0 " " count[$2]; ++below }
    { excess += count[$2] - $1; total += $1 }
    END { print excess " of " total " words were counted twice"; exit below > 0 }
' result expected || fail "words are missing after kill -9"

# A run that is done has the same result when it is started again.
cp result before
expect_exit 0 "${run[@]}"
expect_same before result "result of a run that was done already"

rm -f progress result
for signal in TERM INT; do
    kill_midway $signal 20000
    ended_with 10 0
done
expect_exit 0 "${run[@]}"
expect_same expected result "counts after orderly stops"
