#!/usr/bin/env python3
"""Comments that cannot be read without the name beside them are refused, and no others.
Method: texts of small files, given to the rules of tools/tidy.py."""
import pathlib
import sys
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))
import tidy  # noqa: E402


class Comments(unittest.TestCase):
    def breaches(self, *lines):
        return [number for number, _ in tidy.check_source("worker/some.cc", "\n".join(lines) + "\n")]

    def test_one_that_is_the_tail_of_a_sentence_is_refused(self):
        self.assertEqual(self.breaches("int rows;  // Of the batch."), [1])
        self.assertEqual(self.breaches("int rows;  ///< By destination."), [1])
        self.assertEqual(self.breaches("/// What the batch holds.", "int rows;"), [1])
        self.assertEqual(self.breaches("// From whom it came.", "int task;"), [1])

    def test_one_that_can_be_read_alone_is_not(self):
        self.assertEqual(self.breaches("int rows;  // Rows of the batch."), [])
        self.assertEqual(self.breaches("/// Offers it to all.", "void offer();"), [])
        self.assertEqual(self.breaches("// Without tracking there are none.", "int roots;"), [])

    def test_only_its_first_line_counts(self):
        self.assertEqual(self.breaches("// The rows.", "// Of these, the first is free.", "int rows;"), [])
        self.assertEqual(self.breaches("int rows;  // Rows, all of them.", "           // With the free ones."), [])
        self.assertEqual(self.breaches("int rows;", "// Of these, the first is free."), [2])

    def test_a_text_is_no_comment(self):
        self.assertEqual(self.breaches('print("http:// Of course");'), [])


class Spread(unittest.TestCase):
    def test_what_is_added_often_stands_in_few_files(self):
        home = ["topology-api/include/storm/topology.h"]
        self.assertEqual(list(tidy.check_spread(home)), [])
        with unittest.mock.patch.object(tidy, "SPREAD", [(r"GroupingKind::k\w+", 0)]):
            breaches = list(tidy.check_spread(home))
        self.assertTrue(any("GroupingKind::kShuffle stands in 1 files" in breach[2] for breach in breaches))


if __name__ == "__main__":
    unittest.main()
