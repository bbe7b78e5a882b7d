#!/usr/bin/env python3
"""terminal.py TINY: the status of a topology on a terminal of 24 rows and 60 columns.

Plays the terminal: says what is where in the end, and that all rows scroll again.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

ROWS, COLUMNS = 24, 60
ESCAPE = re.compile(rb"\x1b(?:\[([0-9;]*)([A-Za-z])|([78D]))|([\r\n])|([^\x1b\r\n]+)")


class Terminal:
    """As much of a VT100 as the status uses."""

    def __init__(self):
        self.rows = [b""] * ROWS
        self.row, self.saved, self.bottom = 0, 0, ROWS

    def down(self):
        if self.row + 1 < self.bottom:
            self.row += 1
        else:
            self.rows[:self.bottom] = self.rows[1:self.bottom] + [b""]

    def play(self, output):
        for numbers, command, short, control, text in ESCAPE.findall(output):
            first = int((numbers.split(b";")[0] or b"1")) if command else 1
            if text:
                while len(text) > COLUMNS:
                    self.rows[self.row], text = text[:COLUMNS], text[COLUMNS:]
                    self.down()
                self.rows[self.row] = text
            elif control == b"\n" or short == b"D":
                self.down()
            elif short == b"7":
                self.saved = self.row
            elif short == b"8":
                self.row = self.saved
            elif command == b"r":
                self.bottom = int(numbers.split(b";")[1]) if numbers else ROWS
                self.row = 0
            elif command == b"A":
                self.row -= first
            elif command == b"H":
                self.row = first - 1
            elif command == b"K":
                self.rows[self.row] = b""
            elif command == b"J":
                self.rows[self.row:] = [b""] * (ROWS - self.row)
            else:
                assert control == b"\r", (numbers, command, short)


def run(program, mode, ready):
    """Starts it, interrupts it when ready(output), and returns all output and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(program, [program, "-c", "mode=" + mode])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    output, interrupted, end = b"", False, time.monotonic() + 20
    while time.monotonic() < end:
        if not interrupted and ready(output):
            os.kill(pid, signal.SIGINT)
            interrupted = True
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                output += os.read(terminal, 65536)
            except OSError:  # It has ended.
                return output, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.kill(pid, signal.SIGKILL)
    raise SystemExit(f"{program} -c mode={mode} goes on and on: {output!r}")


def main():
    program = sys.argv[1]
    output, code = run(program, "endless", lambda seen: seen.count(b"counting on") >= 2)
    assert code == 0, (code, output)
    terminal = Terminal()
    terminal.play(output[:output.rindex(b"\x1b[r") - 2])
    *scrolling, head, numbers, said = terminal.rows
    assert head.startswith(b"tiny-topology  "), terminal.rows
    assert re.match(rb"  numbers  [0-9,.]+/s  p50 .*  p99 .*\.\.\.$", numbers), numbers
    assert said == b"  numbers  counting on", said
    assert any(row.startswith(b"draining, for up to 5 s") for row in scrolling), scrolling

    terminal = Terminal()
    terminal.play(output)
    left = b"".join(terminal.rows)
    assert terminal.bottom == ROWS, terminal.bottom
    assert re.fullmatch(rb"draining, .*drained: .* 0 failed", left), terminal.rows

    output, code = run(program, "crash", lambda seen: False)
    assert code == -signal.SIGABRT, (code, output)
    assert b"\x1b[r" in output, output


main()
