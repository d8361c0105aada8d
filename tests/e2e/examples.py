#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the examples of a document: examples.py DOCUMENT

In each block that begins with ```sh a line "$ COMMAND" is run by bash, in order, in one folder, and the lines below it must be
what it prints (blanks at the ends of lines do not count). "..." in a line stands for anything.
"""
import re
import subprocess
import sys


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.S | re.M)


def commands(block):
    """[(command, what it prints)]"""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line.rstrip())
    return found


def matches(want, got):
    return re.fullmatch(".*".join(re.escape(part) for part in want.split("...")), got) is not None


def main():
    ran = 0
    with open(sys.argv[1]) as f:
        text = f.read()
    for block in blocks(text):
        for command, want in commands(block):
            r = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            got = [line.rstrip() for line in r.stdout.splitlines()]
            if len(got) != len(want) or not all(map(matches, want, got)):
                sys.exit("%s: '%s' prints\n%s\nand not\n%s" % (sys.argv[1], command, "\n".join(got), "\n".join(want)))
            ran += 1
    if ran == 0:
        sys.exit(sys.argv[1] + " has no examples")
    print("%d examples run" % ran)


main()
