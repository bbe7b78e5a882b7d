#!/usr/bin/env bash
# word-count follows a file that grows, is cut short and is rotated, as tail -F does; and it is idle
# while there is nothing to read. The progress file says what has been counted.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

# has_progress OFFSET FILE: all before the offset is counted, in the file of that name.
has_progress() {
    [[ -r progress ]] && grep -qxF "offset $1" progress &&
        grep -qF "file $(stat -c %i "$2") of" progress
}
counted_all_of() { wait_until 20 "$1 is counted" has_progress "$(stat -c %s "$1")" "$1"; }

echo "one two" >log
start "$bin/word-count" -c input=log -c follow=true -c progress=progress
counted_all_of log

echo "two three" >>log
counted_all_of log

# A line is counted when it has ended.
printf 'thr' >>log
printf 'ee four\n' >>log
counted_all_of log

# Rotated: what is written to the old file before the new one is there counts.
mv log log.1
echo "four" >>log.1
echo "four" >log
counted_all_of log

# Cut short.
echo "five" >>log
counted_all_of log
: >log
echo "five" >>log
counted_all_of log

# Nothing to do: 1 s of it takes less than 50 ms of CPU time.
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
before=$(cpu_ticks)
sleep 1
used=$(($(cpu_ticks) - before))
[[ $used -le 5 ]] || fail "$used ticks of CPU time in an idle second"

kill -INT "$pid"
ended_with 10 0
printf '3\tfour\n2\tfive\n2\tthree\n2\ttwo\n1\tone\n' >expected
expect_same expected stdout "counts of a file that was followed"

# Goes on where it was.
echo "six" >>log
start "$bin/word-count" -c input=log -c follow=true -c progress=progress
counted_all_of log
kill -TERM "$pid"
ended_with 10 0
printf '3\tfour\n2\tfive\n2\tthree\n2\ttwo\n1\tone\n1\tsix\n' >expected
expect_same expected stdout "counts after going on"

# Lines of a pipe are not held back until there are more.
mkfifo pipe
start "$bin/word-count" -c input=pipe
exec 3>pipe
echo "one" >&3
kill -0 "$pid"
exec 3>&-
ended_with 10 0
printf '1\tone\n' >expected
expect_same expected stdout "counts of a pipe"
