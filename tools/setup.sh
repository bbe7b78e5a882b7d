#!/usr/bin/env bash
# Installs the Debian packages that are missing, and says why each is needed. Removes nothing; is
# done at once, without network, when nothing is missing.
set -euo pipefail

# group | package | what for
packages='
build | g++                     | compiles
build | cmake                   | configures the build
build | ninja-build             | runs the build
build | ccache                  | makes every later build fast
build | libboost-dev            | sockets and timers (Asio), HTTP (Beast)
build | libconcurrentqueue-dev  | queues between threads
build | libfmt-dev              | text
build | libspdlog-dev           | logs
build | nlohmann-json3-dev      | JSON
build | libcli11-dev            | command lines
build | libyaml-cpp-dev         | storm.yaml
build | libxxhash-dev           | hashes of keys and checksums
build | prometheus-cpp-dev      | metrics
build | libcapnp-dev            | frames between workers, records of the cluster
build | capnproto               | compiles their schemas
build | libzookeeper-mt-dev     | talks to ZooKeeper
build | libssl-dev              | digests of artifacts, authentication between workers
test  | libgtest-dev            | tests
test  | libgmock-dev            | tests
test  | librapidcheck-dev       | tests of properties
test  | libbenchmark-dev        | small benchmarks
test  | python3                 | house rules (tools/tidy.py)
test  | zookeeper               | the real ZooKeeper, for tests of the cluster
test  | default-jre-headless    | runs ZooKeeper
test  | curl                  | asks daemons in tests
test  | prometheus            | the real Prometheus, for a test
test  | iproute2              | cuts networks (tools/faults.sh)
test  | clang-format            | format (tools/format.sh)
full  | clang                   | a second compiler, fuzzers
full  | libclang-rt-14-dev      | sanitizers and fuzzers of clang
full  | clang-tidy              | finds bugs without running
docs  | mkdocs                | makes the site of the documentation (tools/docs.sh)
demo  | bible-kjv               | a text to count words in
cluster | zookeeper             | coordinates the cluster
cluster | default-jre-headless  | runs ZooKeeper
'

usage() {
    echo "usage: tools/setup.sh GROUP…   (groups: build test full docs demo cluster)" >&2
    exit 2
}

[[ $# -gt 0 ]] || usage
for group in "$@"; do
    [[ $group =~ ^(build|test|full|docs|demo|cluster)$ ]] || usage
done

# Boost of any age from 1.74 will do, from wherever it came: its -dev packages exclude each other.
has_boost() {
    local header
    for header in /usr/local/include/boost/version.hpp /usr/include/boost/version.hpp; do
        if [[ -r $header ]]; then
            [[ $(sed -n 's/^#define BOOST_VERSION //p' "$header") -ge 107400 ]]
            return
        fi
    done
    return 1
}

wanted=()
declare -A reason
while IFS='| ' read -r group package why; do
    [[ " $* " == *" $group "* ]] || continue
    if [[ $package == libboost-dev ]] && has_boost; then continue; fi
    wanted+=("$package")
    reason[$package]=$why
done <<<"$packages"

if ! command -v dpkg-query >/dev/null; then
    echo "setup.sh: this is not a Debian system; please see to these: ${wanted[*]}" >&2
    exit 2
fi
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
    grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

echo "setup.sh: installing what is missing:" >&2
for package in "${missing[@]}"; do
    printf '  %-24s %s\n' "$package" "${reason[$package]}" >&2
done

install=(apt-get install -y --no-remove --no-install-recommends "${missing[@]}")
if [[ $(id -u) -eq 0 ]]; then
    as_root=(env)
elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    as_root=(sudo env)
else
    echo "setup.sh: neither root nor sudo here; please run this, then try again:" >&2
    echo "  ${install[*]}" >&2
    exit 2
fi
as_root+=(DEBIAN_FRONTEND=noninteractive)

# Lists of packages may be old, as on a fresh image. An old list is better than none.
"${as_root[@]}" apt-get update -qq >&2 || echo "setup.sh: apt-get update failed, trying without" >&2
if ! "${as_root[@]}" "${install[@]}" -o DPkg::Lock::Timeout=300 >&2; then
    echo "setup.sh: apt-get could not install: ${missing[*]}" >&2
    exit 1
fi
