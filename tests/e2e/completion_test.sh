#!/usr/bin/env bash
# A shell completes what a user types, as `storm completion SHELL` has told it. zsh and fish are asked
# where they are installed.
source "$(dirname "$0")/common.sh"

export PATH=$bin:$PATH

# completes WORDS EXPECTED: the last of the words, in bash.
completes() {
    local got
    got=$(bash -c '
        source <(storm completion bash)
        read -ra COMP_WORDS <<<"$1"
        [[ $1 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _storm_complete "${COMP_WORDS[0]}"
        echo "${COMPREPLY[*]}"' bash "$1")
    [[ $got == "$2" ]] || fail "\"$1\" completes to \"$got\", not to \"$2\""
}

touch here.yaml
completes 'storm ki' 'kill'
completes 'storm config ' 'check explain'
completes 'storm config explain topology.worker.th' 'topology.worker.threads'
completes 'storm list -c topology.worker.th' 'topology.worker.threads='
completes 'storm list -o ' 'json names table'
completes 'storm list --config he' 'here.yaml'
completes 'storm completion ' 'bash zsh fish'
completes 'storm kill ' ''  # Nobody answers.
completes 'storm-submit --in' '--inactive'
completes 'storm-submit he' 'here.yaml'

if command -v fish >/dev/null; then
    storm completion fish >storm.fish
    [[ $(fish -c 'source storm.fish; complete -C "storm ki"') == kill* ]] || fail "fish completes nothing"
fi
if command -v zsh >/dev/null; then
    zsh -n <(storm completion zsh) || fail "zsh cannot read its script"
fi
