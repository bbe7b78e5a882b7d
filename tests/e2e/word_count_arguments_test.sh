#!/usr/bin/env bash
# What word-count says to wrong arguments, and what it ends with: 1 failed, 2 usage or settings.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"

echo "a text" >text
mkdir folder
echo "another" >folder/file

expect_exit 0 "$bin/word-count" --help
expect_exit 0 "$bin/word-count" --version
expect_exit 0 "$bin/word-count" -c input=text --explain
expect_text stdout split

# refused STATUS TEXT ARGUMENT…
refused() {
    local status=$1 text=$2
    shift 2
    expect_exit "$status" "$bin/word-count" "$@"
    expect_text stderr "$text"
    [[ ! -s stdout ]] || fail "something on stdout: $*"
}

refused 2 '"input" is not set'
refused 2 'did you mean' -c inptu=text
refused 2 'topology.max.spout.pending' -c input=text -c topology.max.spuot.pending=5
refused 2 '"repeat" is 0' -c input=text -c repeat=0
refused 2 'repeat' -c input=text -c repeat=many
refused 2 '"rate" is -5' -c input=text -c rate=-5
refused 2 '"parallelism" is 0' -c input=text -c parallelism=0
refused 2 'follow' -c input=text -c follow=perhaps
refused 2 'do not go together' -c input=- -c repeat=2
refused 2 'do not go together' -c input=- -c progress=p
refused 2 'do not go together' -c input=- -c follow=true
refused 2 'do not go together' -c input=text -c follow=true -c repeat=2
refused 2 'do not go together' -c input=text -c progress=p -c topology.acker.executors=0
refused 2 'output' -c input=text -c output=
refused 2 'no-such-option' -c input=text --no-such-option

refused 1 'cannot read "none": No such file or directory' -c input=none
refused 1 'cannot follow "folder": it is a directory' -c input=folder -c follow=true
refused 1 'cannot repeat "/dev/null"' -c input=/dev/null -c repeat=2
refused 1 'cannot write "none/result' -c input=text -c output=none/result
refused 1 'cannot write "folder": Is a directory' -c input=text -c output=folder
refused 1 'none/p' -c input=text -c progress=none/p
mkdir nothing
refused 1 'holds no regular file' -c input=nothing
if [[ $(id -u) -ne 0 ]]; then
    chmod 000 text
    refused 1 'cannot read "text": Permission denied' -c input=text
    chmod 600 text
fi

# A result that cannot be written is a failure, whatever went well before.
refused 1 'No space left on device' -c input=text -c output=/dev/full
status=0
"$bin/word-count" -c input=text >/dev/full 2>stderr || status=$?
[[ $status -eq 1 ]] || fail "exit code $status instead of 1 with a full device"
expect_text stderr 'No space left on device'

# Who reads no further has read enough.
seq 100000 | tr 0-9 a-j >many
"$bin/word-count" -c input=many 2>stderr | head -n 1 >/dev/null
status=${PIPESTATUS[0]}
[[ $status -eq 0 || $status -eq 141 ]] || fail "exit code $status with a closed pipe"

# ---- The other programs name what they do not know, and where help is.
for program in storm-nimbus storm-supervisor 'storm list'; do
    read -ra words <<<"$program"
    expect_exit 2 "$bin/${words[0]}" "${words[@]:1}" --bad
    expect_text stderr "${words[0]}: unknown argument \"--bad\""
    expect_text stderr "hint: $program --help lists all"
done
