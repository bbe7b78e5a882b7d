#!/usr/bin/env python3
"""The programs of examples/ print what they should, and the documentation shows what they print.

Method: each is run with a small, finite input; what it should print is worked out here. Of the pages
below, every `console` block is run in a shell: lines that begin with `$ ` are commands, those
between are what they must print on stdout. Arguments: the folder of the programs.
"""
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
PAGES = ["README.md", "docs/guide.md", "docs/from-storm.md"]


def run(command, folder):
    path = f"{PROGRAMS}:{ROOT / 'tools'}:{os.environ['PATH']}"
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True,
                          timeout=50, check=False, env={**os.environ, "PATH": path, "LC_ALL": "C"})


def lines_of(*command):
    with tempfile.TemporaryDirectory() as folder:
        done = run(" ".join(command), folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def scattered(number):
    """As in examples/storm-starter/generated.h."""
    return ((number + 1) * 0x9e3779b97f4a7c15 % 2**64) >> 40


class Starter(unittest.TestCase):
    def test_exclamation_adds_six_marks_to_each_word(self):
        got = lines_of("starter-exclamation -c limit=5 -c pause_ms=0")

        self.assertEqual(len(got), 10 * 5)  # 10 tasks of the spout.
        for line in got:
            self.assertRegex(line, r"^(nathan|mike|jackson|golda|bertels)!{6}$")

    def test_word_count_says_each_count_of_each_word_once(self):
        sentences = ["the cow jumped over the moon", "an apple a day keeps the doctor away",
                     "four score and seven years ago", "snow white and the seven dwarfs",
                     "i am at two with nature"]
        words = collections.Counter()
        for _ in range(5):
            for number in range(20):
                words.update(sentences[scattered(number) % 5].split())

        got = lines_of("starter-word-count -c limit=20 -c pause_ms=0")

        self.assertCountEqual(got, [f"{word}\t{count}" for word, total in words.items()
                                    for count in range(1, total + 1)])

    def test_rolling_top_words_ranks_all_of_a_window(self):
        names = ["nathan", "mike", "jackson", "golda", "bertels"]
        counts = collections.Counter(names[scattered(number) % 5] for number in range(100))
        ranking = sorted((-5 * count, name) for name, count in counts.items())

        got = lines_of("starter-rolling-top-words -c limit=100 -c pause_ms=0 -c slot_ms=60000")

        self.assertEqual(got, ["  ".join(f"{name} {-count}" for count, name in ranking)])

    def test_rolling_top_words_forgets_what_left_the_window(self):
        got = lines_of("starter-rolling-top-words -c limit=60 -c pause_ms=10 -c slot_ms=60")

        largest = max(sum(map(int, re.findall(r"\d+", line))) for line in got)
        self.assertLess(largest, 5 * 60)  # Less than all that 5 tasks have emitted.

    def test_single_join_joins_each_id(self):
        got = lines_of("starter-single-join")

        self.assertCountEqual(got, [f"{id}\t{('male', 'female')[id % 2]}\t{id + 20}"
                                    for id in range(10)])

    def test_sliding_window_averages_sums_of_thirty_and_what_is_left(self):
        numbers = [scattered(number) % 1000 for number in range(45)]
        sums = [sum(numbers[max(0, end - 30):end]) for end in (10, 20, 30, 40)]
        sums.append(sum(numbers[20:]))  # The last window is not full.
        averages = [sum(sums[:3]) // 3, sum(sums[3:]) // 2]

        got = lines_of("starter-sliding-window -c limit=45 -c pause_ms=0")

        self.assertEqual(got, list(map(str, averages)))


class Guide(unittest.TestCase):
    def test_every_grouping_sends_as_it_says(self):
        got = dict(line.split(": ") for line in lines_of("guide-groupings -c limit=1000"))
        by_bolt = {bolt: [int(got[f"{bolt} {task}"]) for task in range(3)]
                   for bolt in {name.split()[0] for name in got}}

        self.assertEqual(len(by_bolt), 9)
        self.assertEqual(by_bolt.pop("all"), [1000] * 3)
        for bolt, tasks in by_bolt.items():
            self.assertEqual(sum(tasks), 1000, bolt)
        self.assertEqual(by_bolt["global"], [1000, 0, 0])
        self.assertEqual(by_bolt["custom"], [100, 0, 900])
        self.assertEqual(by_bolt["direct"], [334, 333, 333])
        for tasks in by_bolt["fields"]:
            self.assertEqual(tasks % 200, 0)  # Five keys, 200 of each.

    def test_orders_adds_up_what_can_be_read(self):
        got = lines_of("printf 'ann 3.50\\nbob 1\\nann x\\nann 2\\n' >orders;",
                       "guide-orders -c input=orders")

        self.assertEqual(sorted(got)[-2:], ["ann 4.950000", "bob 0.900000"])


class Pages(unittest.TestCase):
    def test_what_they_show_is_what_is_printed(self):
        blocks = [(page, block) for page in PAGES if (ROOT / page).is_file()
                  for block in re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(),
                                          re.MULTILINE | re.DOTALL)]
        self.assertTrue(blocks)
        for page, block in blocks:
            with tempfile.TemporaryDirectory() as folder:
                for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block,
                                                 re.MULTILINE):
                    with self.subTest(page=page, command=command):
                        command = command.replace("build/release/bin/", "")
                        self.assertEqual(run(command, folder).stdout, shown)


if __name__ == "__main__":
    unittest.main()
