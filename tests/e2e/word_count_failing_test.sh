#!/usr/bin/env bash
# One line in a hundred fails; it is emitted again, so that the counts come out right.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"
program=$2

make_text 20000 5 >text
counts_of 3 text >expected
for seed in 1 2 3; do
    expect_exit 0 "$program" -c input=text -c repeat=3 -c seed=$seed
    expect_same expected stdout "counts with failing lines, seed $seed"
done

timeout 60 "$program" -c input=- < <(cat text text text) >stdout 2>stderr || fail "exit code $?"
expect_same expected stdout "counts with failing lines of standard input"
