#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Talks to a program on a pseudo-terminal, as a person would: dialogue.py COMMAND [ARGUMENT...] <SCRIPT

Lines of the script: `send TEXT` types it (with \\t, \\n, \\x03 and the like), `expect REGEX` waits for it in what came
since the last expect, `file PATH` waits for a file to be there, `raw` waits until keys are read one by one, `cooked` until they are
not, `size COLUMNS
ROWS` resizes the terminal, `end STATUS` expects the program to end so.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

TIMEOUT = 30 # of a machine that has other work


class Dialogue:
    def __init__(self, argv):
        self.text = ""
        self.closed = False
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execvp(argv[0], argv)
        self.size(100, 30)

    def fail(self, what):
        sys.exit("dialogue: %s; what came since: %r" % (what, self.text[-2000:]))

    def size(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))

    def send(self, text):
        os.write(self.fd, codecs.decode(text, "unicode_escape").encode())

    def read(self, until):
        if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.closed = data == b""
        self.text += data.decode(errors="replace")
        return not self.closed

    def expect(self, regex):
        until = time.monotonic() + TIMEOUT
        while True:
            found = re.search(regex, self.text, re.S)
            if found:
                self.text = self.text[found.end():]
                return
            if not self.read(until):
                self.fail("/%s/ %s" % (regex, "before the end" if self.closed else "does not come"))

    def file(self, path):
        until = time.monotonic() + TIMEOUT
        while not os.path.exists(path):
            if time.monotonic() > until:
                self.fail("%s does not come" % path)
            time.sleep(0.01)

    def raw(self, _, cooked=False):
        until = time.monotonic() + TIMEOUT
        while bool(termios.tcgetattr(self.fd)[3] & termios.ICANON) != cooked:
            if time.monotonic() > until:
                self.fail("the terminal does not become " + ("cooked" if cooked else "raw"))
            time.sleep(0.01)

    def cooked(self, _):
        self.raw(_, cooked=True)

    def end(self, status):
        until = time.monotonic() + TIMEOUT
        while self.read(until):
            pass
        if not self.closed:
            self.fail("the program does not end")
        got = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if got != int(status):
            self.fail("exit status %d, not %s" % (got, status))


def main():
    d = Dialogue(sys.argv[1:])
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word and not word.startswith("#"):
            getattr(d, word)(*(rest.split() if word == "size" else [rest]))


if __name__ == "__main__":
    main()
