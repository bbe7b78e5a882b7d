#!/usr/bin/env python3
"""Do the tests notice when the data plane is broken? Breaks it in one place, runs the tests that must
notice, and says which breaks survived.

    tools/mutate.py                    all mutations of tools/mutations.py: about an hour on two cores
    tools/mutate.py NAME…              only these; a part of a name will do
    tools/mutate.py --list             what there is; builds nothing
    tools/mutate.py --check            whether each mutation still applies; builds nothing
    tools/mutate.py --jobs N           how many compilers run at once (default: all cores)
    tools/mutate.py --in DIR           work there and keep it: the next run builds less

It works on a copy of the tree (a git worktree; what is not committed comes along, if git knows the
file) with a build of its own, so that nothing here changes. Each test must pass before anything is
broken. Exits 1 when a mutation survives, does not compile or does not apply.
"""
import argparse
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import mutations

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE_S = 60  # For a test, beside five times what it takes when nothing is broken.


def git(*arguments, tree=ROOT):
    return subprocess.run(["git", "-C", tree, *arguments], check=True, capture_output=True,
                          text=True).stdout.strip()


def fault_in(mutation, root=ROOT):
    """Why it does not apply to the tree; None: it does."""
    path = root / mutation.file
    if not path.is_file():
        return f"there is no file {mutation.file}"
    count = path.read_text().count(mutation.old)
    if count != 1:
        first_line = mutation.old.splitlines()[0]
        return f"{mutation.file} has {count} times, not once: {first_line}"
    if mutation.new == mutation.old:
        return "it changes nothing"
    if not mutation.tests:
        return "it names no test"
    for test in mutation.tests:
        name = test.partition(":")[0]
        if not (root / "tests" / f"{name}_test.cc").is_file():
            return f"there is no test {name}"
    return None


def check_all(chosen):
    names = [mutation.name for mutation in mutations.MUTATIONS]
    faults = [(name, "the name is there twice") for name in set(names) if names.count(name) > 1]
    faults += [(mutation.name, fault) for mutation in chosen if (fault := fault_in(mutation))]
    for name, fault in faults:
        print(f"mutate.py: {name}: {fault}", file=sys.stderr)
    return not faults


class Copy:
    """A copy of the tree, its build, and how long its tests take."""

    def __init__(self, folder, jobs):
        self.folder = pathlib.Path(folder)
        self.jobs = jobs
        self.durations = {}
        state = git("stash", "create") or git("rev-parse", "HEAD")
        if (self.folder / ".git").exists():
            git("checkout", "--force", "--detach", state, tree=self.folder)
        else:
            git("worktree", "add", "--force", "--detach", self.folder, state)
        self.run(["cmake", "--preset", "dev"])

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout[-3000:]}{done.stderr}")

    @staticmethod
    def target(test):
        return test.partition(":")[0].replace("/", "_") + "_test"

    def build(self, tests):
        targets = sorted({self.target(test) for test in tests})
        self.run(["cmake", "--build", "--preset", "dev", "--parallel", str(self.jobs), "--target",
                  *targets])

    def passes(self, test, patience):
        filters = test.partition(":")[2]
        command = [self.folder / "build/dev/tests" / self.target(test), "--gtest_brief=1",
                   "--gtest_fail_fast", f"--gtest_filter={filters or '*'}"]
        with tempfile.TemporaryFile() as output:
            program = subprocess.Popen(command, cwd=self.folder / "build/dev", stdout=output,
                                       stderr=output, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                return program.wait(patience) == 0
            except subprocess.TimeoutExpired:
                return False
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, signal.SIGKILL)
                program.wait()

    def try_unbroken(self, tests):
        self.build(tests)
        for test in tests:
            began = time.monotonic()
            if not self.passes(test, 10 * PATIENCE_S) and not self.passes(test, 10 * PATIENCE_S):
                raise RuntimeError(f"{test} fails though nothing is broken")
            self.durations[test] = time.monotonic() - began

    def noticed_by(self, mutation):
        """The test that noticed; None: none did."""
        path = self.folder / mutation.file
        whole = path.read_text()
        path.write_text(whole.replace(mutation.old, mutation.new))
        try:
            self.build(mutation.tests)
            for test in mutation.tests:
                if not self.passes(test, PATIENCE_S + 5 * self.durations[test]):
                    return test
            return None
        finally:
            path.write_text(whole)


@contextlib.contextmanager
def copy_of_tree(folder, jobs):
    if folder:
        yield Copy(folder, jobs)
        return
    with tempfile.TemporaryDirectory(prefix="storm-mutants-") as made:
        try:
            yield Copy(pathlib.Path(made) / "tree", jobs)
        finally:
            git("worktree", "remove", "--force", pathlib.Path(made) / "tree")


def try_all(chosen, copy):
    """How many did not end as they should."""
    copy.try_unbroken(sorted({test for mutation in chosen for test in mutation.tests}))
    width = max(len(mutation.name) for mutation in chosen)
    bad = 0
    for mutation in chosen:
        began = time.monotonic()
        try:
            by = copy.noticed_by(mutation)
            verdict = f"noticed by {by}" if by else "SURVIVED"
        except RuntimeError as error:
            by = None
            verdict = f"DOES NOT COMPILE\n{error}"
        bad += by is None
        print(f"{mutation.name:{width}}  {time.monotonic() - began:4.0f} s  {verdict}", flush=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--in", dest="folder", metavar="DIR")
    given = parser.parse_args()

    chosen = [mutation for mutation in mutations.MUTATIONS
              if not given.names or any(name in mutation.name for name in given.names)]
    if not chosen:
        sys.exit("mutate.py: no such mutation; see --list")
    if given.list:
        for mutation in chosen:
            print(f"{mutation.name}  {mutation.file}  {' '.join(mutation.tests)}")
        return 0
    if not check_all(chosen):
        return 1
    if given.check:
        return 0
    with copy_of_tree(given.folder, given.jobs) as copy:
        bad = try_all(chosen, copy)
    print(f"{len(chosen) - bad} of {len(chosen)} mutations were noticed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
