#!/usr/bin/env bash
# Sets up, builds and tests. Without arguments: the short tier, one build, at most 15 minutes on two
# cores; its last line is CTest's. With --full, for the evening: every test, the sanitizers, fuzzers
# and clang-tidy; its last line is `N passed, N failed`.
#
# The one build of the short tier is `dev`, at -O1: it compiles sooner than -O3 with LTO, the tests
# run much faster than at -O0 (there are soaks among them), and the assertions stay in. -g1 has the
# lines for backtraces, in two thirds of the time that -g takes; for a debugger that is to show
# variables: cmake --preset dev -DCMAKE_CXX_FLAGS_DEBUG='-O0 -g'.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

case "$*" in
    "") full=no ;;
    --full) full=yes ;;
    *) echo "usage: tools/test.sh [--full]" >&2; exit 2 ;;
esac

passed=0
failed=0
failed_stages=()
closing_line=""  # What CTest said last.

# stage NAME COMMAND…: runs a step; one that fails is named at the end.
stage() {
    printf '\n== %s\n' "$1"
    "${@:2}" && return
    failed_stages+=("$1")
    return 1
}

# one NAME COMMAND…: a stage that counts as one test.
one() {
    if stage "$@"; then ((++passed)); else ((++failed)); fi
}

run_ctest() {
    local log=build/ctest-$1.log status
    local launch=()
    # gcc's thread sanitizer cannot start where the kernel spreads addresses too widely.
    if [[ $1 == tsan ]] && setarch -R true 2>/dev/null; then launch=(setarch -R); fi
    "${launch[@]}" ctest --preset "$1" -j "$(nproc)" "${@:2}" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    closing_line=$(grep -E '^[0-9]+% tests passed' "$log" | tail -n 1)
    if [[ $closing_line =~ ,\ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
        ((failed += BASH_REMATCH[1], passed += BASH_REMATCH[2] - BASH_REMATCH[1]))
    else
        ((++failed))
    fi
    return "$status"
}

build() {
    stage "configure $1" cmake --preset "$1" &&
        stage "build $1" cmake --build --preset "$1" --parallel "$(nproc)" "${@:2}"
}

# build_and_test PRESET CTEST-ARGUMENT…: all targets, or $targets.
build_and_test() {
    if build "$1" ${targets:+--target "$targets"}; then
        stage "test $1" run_ctest "$@"
    else
        ((++failed))
        return 1
    fi
}

clang_tidy() {
    # The sources, not what the build generates, though they include it. clang's own compile
    # commands, since it does not know all of gcc's options.
    cmake --build --preset clang --target storm_schemas || return
    run-clang-tidy -quiet -p build/clang -j "$(nproc)" "^$PWD/(?!build/)" 2>&1 |
        grep -vE '^clang-tidy|warnings? (generated|treated)|^Suppressed|^Use -header-filter'
    return "${PIPESTATUS[0]}"
}

if [[ $full == no ]]; then
    stage "set up" tools/setup.sh build test && build_and_test dev -LE full
elif stage "set up" tools/setup.sh build test full; then
    build_and_test dev
    one "headers compile alone" cmake --build --preset dev --target storm_headers
    build_and_test asan -LE full
    build_and_test tsan -LE full
    # The warnings of this compiler, in all the rest, are among what clang-tidy says.
    if targets=storm_fuzzers build_and_test clang -L fuzz; then one "clang-tidy" clang_tidy; fi
    one "release" build release
fi

echo
for name in "${failed_stages[@]}"; do
    echo "test.sh: FAILED in stage \"$name\"" >&2
done
if [[ $full == yes ]]; then
    [[ $((passed + failed)) -gt 0 ]] || failed=1
    echo "$passed passed, $failed failed"
elif [[ -n $closing_line ]]; then
    echo "$closing_line"
fi
[[ ${#failed_stages[@]} -eq 0 ]]
