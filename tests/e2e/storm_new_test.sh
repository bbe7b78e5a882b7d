#!/usr/bin/env bash
# A newcomer's way: install, `storm new`, build, test. And what `storm` says to wrong arguments.
# The second argument is the build folder to install from.
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"
build=$2

expect_exit 2 "$bin/storm"
expect_text stderr "storm new"
expect_exit 0 "$bin/storm" --help
expect_exit 0 "$bin/storm" version
expect_exit 2 "$bin/storm" nwe
expect_text stderr 'did you mean "new"?'
expect_exit 2 "$bin/storm" new
expect_exit 2 "$bin/storm" new a b
expect_exit 2 "$bin/storm" new "2 hellos"
expect_text stderr 'try "hellos"'
expect_exit 2 "$bin/storm" new ../hello
expect_exit 2 "$bin/storm" new test
[[ -z $(find . -name '*hello*') ]] || fail "a refused name made a folder"

# In the build folder.
expect_exit 0 "$bin/storm" new hello
expect_text stdout "-DStorm_DIR=$build"
cp -r hello before
expect_exit 4 "$bin/storm" new hello
expect_text stderr "it exists already"
diff -r hello before || fail "an existing folder was changed"
if grep -rE '@[A-Z]+@' hello; then fail "a placeholder is left"; fi

# Installed.
cmake --install "$build" --prefix "$work/installed" >log
mkdir project
cd project
"$work/installed/bin/storm" new word-stats >next
expect_text next "-DCMAKE_PREFIX_PATH=$work/installed"
option=$(sed -n 's/^  cmake -B build //p' next)
cd word-stats
cmake -B build "$option" >log || fail "configure: $(cat log)"
cmake --build build >log 2>&1 || fail "build: $(cat log)"
build/word-stats -c limit=3 2>stderr | grep -qx $'2\tthe' || fail "the topology counts wrong"
ctest --test-dir build --output-on-failure >log 2>&1 || fail "its test: $(cat log)"
expect_text log "100% tests passed"
# Else each link of an optimized Storm takes a minute.
grep -q -e '-fno-lto' build/CMakeFiles/word-stats.dir/link.txt || fail "the link may optimize all of Storm"
cmake -B build_lto "$option" -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON >log || fail "configure: $(cat log)"
! grep -q -e '-fno-lto' build_lto/CMakeFiles/word-stats.dir/link.txt || fail "who asks for LTO gets none"

# What is installed beside it: pages, examples that build, a cluster for this machine.
unset STORM_CLUSTER_DIR STORM_BIN_DIR
cd ..
installed=$work/installed
for page in README.md docs/guide.md docs/from-storm.md examples/README.md; do
    [[ -s $installed/share/doc/storm/$page ]] || fail "$page is not installed"
done
cmake -S "$installed/share/doc/storm/examples" -B examples "$option" >log || fail "configure: $(cat log)"
cmake --build examples --target quick-start >log 2>&1 || fail "build: $(cat log)"
printf 'to be or not\nto be\n' | examples/quick-start 2>stderr | grep -qx '2 be' || fail "quick-start counts wrong"
expect_exit 5 "$installed/bin/storm" list -c nimbus.seeds=127.0.0.1:1
expect_text stderr "$installed/share/storm/tools/cluster.sh up"
expect_exit 1 "$installed/share/storm/tools/cluster.sh" status
expect_text stderr "there is no cluster in $HOME/.storm/cluster; $installed/share/storm/tools/cluster.sh up"
