#!/usr/bin/env python3
"""Each mutation of tools/mutations.py applies to the tree as it is, and one that does not is named.
Method: nothing is built; the tree is read, and small trees are made up."""
import dataclasses
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
import mutate  # noqa: E402
import mutations  # noqa: E402

GOOD = mutations.Mutation("a-limit-is-gone", "worker/limit.cc", "if (full) return;", "", ("limit",))


class Mutate(unittest.TestCase):
    def fault(self, mutation, source="if (full) return;\n"):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"worker/limit.cc": source, "tests/limit_test.cc": ""}.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text)
            return mutate.fault_in(mutation, root)

    def test_every_mutation_of_the_list_applies_to_the_tree(self):
        self.assertTrue(mutate.check_all(mutations.MUTATIONS))

    def test_one_whose_text_stands_once_applies(self):
        self.assertIsNone(self.fault(GOOD))

    def test_one_whose_text_is_gone_or_there_twice_says_so(self):
        self.assertIn("0 times", self.fault(GOOD, "if (full()) return;\n"))
        self.assertIn("2 times", self.fault(GOOD, "if (full) return;\nif (full) return;\n"))

    def test_one_without_its_file_or_its_tests_says_so(self):
        self.assertIn("no file", self.fault(dataclasses.replace(GOOD, file="worker/gone.cc")))
        self.assertIn("no test", self.fault(dataclasses.replace(GOOD, tests=("gone",))))
        self.assertIn("no test", self.fault(dataclasses.replace(GOOD, tests=())))

    def test_one_that_changes_nothing_says_so(self):
        self.assertIn("nothing", self.fault(dataclasses.replace(GOOD, new=GOOD.old)))


if __name__ == "__main__":
    unittest.main()
