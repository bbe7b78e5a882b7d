#!/usr/bin/env bash
# word-count against coreutils: every kind of input, and every way of running that must not matter.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

make_text 20000 1 >text
counts_of 1 text >expected
[[ $(wc -l <expected) -gt 1000 ]] || fail "the generated text has too few words"

expect_exit 0 "$bin/word-count" -c input=text
expect_same expected stdout "counts of a file"

expect_exit 0 "$bin/word-count" -c input=text -c output=result
expect_same expected result "counts in an output file"
[[ ! -s stdout ]] || fail "a result on stdout in spite of an output file"
[[ ! -e result.tmp ]] || fail "result.tmp was left"

timeout 60 "$bin/word-count" -c input=- <text >stdout 2>stderr || fail "exit code $?"
expect_same expected stdout "counts of standard input"

timeout 60 "$bin/word-count" -c input=/dev/fd/3 3< <(cat text) >stdout 2>stderr || fail "exit code $?"
expect_same expected stdout "counts of a pipe"

counts_of 7 text >expected
expect_exit 0 "$bin/word-count" -c input=text -c repeat=7
expect_same expected stdout "counts of a file read seven times"

expect_exit 0 "$bin/word-count" -c input=text -c repeat=7 -c parallelism=5
expect_same expected stdout "counts with five tasks each"

expect_exit 0 "$bin/word-count" -c input=text -c repeat=7 -c topology.acker.executors=0
expect_same expected stdout "counts without tracking"

expect_exit 0 "$bin/word-count" -c input=text -c repeat=7 -c topology.executor.threads=dedicated
expect_same expected stdout "counts with a thread for each executor"

expect_exit 0 "$bin/word-count" -c input=text -c repeat=7 -c topology.max.spout.pending=1
expect_same expected stdout "counts with one line in flight"

expect_exit 0 "$bin/word-count" -c input=text -c repeat=7 -c topology.tasks=5 -c output=result
expect_same expected result "counts with five tasks of what does not say"

# Lines of every size, among them one of 3 MB and one word of 700 kB; no newline at the end.
{
    head -n 1000 text
    head -n 20000 text | tr '\n' ' '
    echo
    head -c 700000 /dev/zero | tr '\0' 'x'
    printf '\n\n\nlast'
} >long
counts_of 1 long >expected
expect_exit 0 "$bin/word-count" -c input=long
expect_same expected stdout "counts of long lines"
timeout 60 "$bin/word-count" -c input=- <long >stdout 2>stderr || fail "exit code $?"
expect_same expected stdout "counts of long lines from standard input"

mkdir texts texts/folder
make_text 2000 2 >texts/b
make_text 1000 3 >texts/a
make_text 1000 4 >texts/folder/c
: >texts/empty
printf 'no newline' >texts/z
counts_of 2 texts/a texts/b texts/z >expected
expect_exit 0 "$bin/word-count" -c input=texts -c repeat=2
expect_same expected stdout "counts of a folder"

: >empty
expect_exit 0 "$bin/word-count" -c input=empty
[[ ! -s stdout ]] || fail "a result of nothing"
expect_exit 0 "$bin/word-count" -c input=-
[[ ! -s stdout ]] || fail "a result of nothing"

# 200 lines at 200 lines a second take a second.
head -n 200 text >short
before=$(date +%s%N)
expect_exit 0 "$bin/word-count" -c input=short -c rate=200
took_ms=$((($(date +%s%N) - before) / 1000000))
[[ $took_ms -ge 900 ]] || fail "rate=200: 200 lines took $took_ms ms"
counts_of 1 short >expected
expect_same expected stdout "counts with a rate"
