#!/usr/bin/env python3
"""tools/check-journal accepts journals of promises kept, and rejects each kind of broken one.
Method: small journals, written by hand; every one differs from a good one in a single thing."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check-journal"


def event(t_us, kind, root, message=7, component=None, task=None, epoch=1, attempt=1):
    spout = kind in ("emit", "ack", "fail")
    made = {"t_us": t_us, "kind": kind, "component": component or ("lines" if spout else "split"),
            "task": task or (1 if spout else 2), "epoch": epoch, "root": root}
    return made | ({"id": message, "attempt": attempt} if spout else {})


def tree(root, message, t_us=0, settled="ack", **keys):
    """One attempt that went well: emitted, executed and acked by a bolt, settled."""
    return [event(t_us, "emit", root, message, **keys), event(t_us + 1, "execute", root),
            event(t_us + 2, "bolt_ack", root), event(t_us + 3, settled, root, message, **keys)]


class CheckJournal(unittest.TestCase):
    def judged(self, events, *options, tail=""):
        with tempfile.TemporaryDirectory() as folder:
            text = "".join(json.dumps(e) + "\n" if isinstance(e, dict) else e for e in events)
            pathlib.Path(folder, "worker-0").write_text(text + tail)
            done = subprocess.run([CHECK, folder, *options], capture_output=True, text=True,
                                  check=False)
        return done.returncode, done.stdout + done.stderr

    def kept(self, events, *options, **keys):
        code, text = self.judged(events, *options, **keys)
        self.assertEqual(code, 0, text)
        self.assertIn("all promises kept", text)

    def broken(self, what, events, *options):
        code, text = self.judged(events, *options)
        self.assertEqual(code, 1, text)
        self.assertIn(what + ": ", text)

    def test_all_acked(self):
        self.kept(tree(10, 1) + tree(11, 2))

    def test_failed_and_replayed(self):
        self.kept(tree(10, 1, settled="fail") + tree(11, 1, 10, attempt=2))

    def test_a_life_that_was_killed_and_replayed(self):
        self.kept([event(0, "emit", 10, 1)] + tree(11, 1, 10, epoch=2))

    def test_acked_again_in_the_next_life(self):
        self.kept(tree(10, 1) + tree(11, 1, 10, epoch=2))

    def test_a_bolt_that_was_killed(self):
        self.kept([event(0, "emit", 10, 1), event(1, "execute", 10), event(2, "fail", 10, 1)]
                  + tree(11, 1, 10, attempt=2))

    def test_a_last_line_that_is_cut_off(self):
        self.kept(tree(10, 1), tail='{"t_us": 5, "kind": "em')

    def test_order_of_files_and_lines_does_not_matter(self):
        self.kept(list(reversed(tree(10, 1))))

    def test_unsettled(self):
        self.broken("unsettled", tree(10, 1) + [event(9, "emit", 11, 1, attempt=2)])
        self.kept(tree(10, 1) + [event(9, "emit", 11, 1, attempt=2)], "--running")

    def test_lost(self):
        self.broken("lost", tree(10, 1, settled="fail"))
        self.broken("lost", [event(0, "emit", 10, 1)] + tree(11, 2, 10, epoch=2))

    def test_acked_twice(self):
        self.broken("acked twice", tree(10, 1) + tree(11, 1, 10, attempt=2))

    def test_settled_twice(self):
        self.broken("settled twice", tree(10, 1) + [event(9, "ack", 10, 1)])
        self.broken("settled twice", tree(10, 1) + [event(9, "fail", 10, 1)])

    def test_never_emitted(self):
        self.broken("never emitted", tree(10, 1) + [event(9, "ack", 11, 2)])
        self.broken("never emitted", tree(10, 1) + [event(9, "execute", 11)])
        other_id = tree(10, 1)
        other_id[3]["id"] = 2
        self.broken("never emitted", other_id)
        early = tree(10, 1, 5)
        early[3]["t_us"] = 1
        self.broken("never emitted", early)

    def test_acked_although_a_bolt_had_not(self):
        without = tree(10, 1)
        del without[2]
        self.broken("false ack", without)
        late = tree(10, 1)
        late[2]["t_us"] = 99
        self.broken("false ack", late)

    def test_acked_although_one_of_two_tuples_was_not(self):
        self.broken("false ack", tree(10, 1) + [event(1, "execute", 10)])

    def test_another_tasks_ack_does_not_count(self):
        other = tree(10, 1)
        other[2]["task"] = 3
        self.broken("false ack", other)

    def test_acked_before_all_was_executed(self):
        self.broken("false ack", tree(10, 1) + [event(50, "execute", 10, task=3),
                                                event(51, "bolt_ack", 10, task=3)])

    def test_acked_although_a_component_never_had_it(self):
        self.kept(tree(10, 1), "--through", "split")
        self.broken("false ack", tree(10, 1), "--through", "split", "--through", "count")

    def test_malformed(self):
        for line in ("no json\n", "[]\n", '{"kind": "emit"}\n', '{"kind": "dance"}\n',
                     json.dumps(event(0, "emit", "x")) + "\n",
                     json.dumps(event(0, "emit", True)) + "\n"):
            self.broken("malformed", tree(10, 1) + [line])

    def test_nothing_to_judge(self):
        self.assertEqual(self.judged([])[0], 2)
        self.assertEqual(subprocess.run([CHECK, "/nonexistent"], capture_output=True,
                                        check=False).returncode, 2)

    def test_json(self):
        code, text = self.judged(tree(10, 1, settled="fail"), "--json")
        self.assertEqual(code, 1)
        said = json.loads(text)
        self.assertEqual((said["ok"], said["messages"], said["fail"], said["breaches_total"]),
                         (False, 1, 1, 1))


if __name__ == "__main__":
    sys.exit(unittest.main())
