#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the descriptions of openflow_cases.py against a switch, or writes them down for Ryu's switch tester.

  openflow_conformance.py run --netns NS --ports A,B,C --announce 'COMMAND with %d' [--only REGEX] [--loose]
  openflow_conformance.py write FOLDER
  openflow_conformance.py check DOCUMENT"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

import openflow_behaviour
import openflow_cases
import openflow_messages  # noqa: F401, which adds to BEHAVIOURS
import openflow_suites  # noqa: F401, likewise
import openflow_tester


def tests():
    """(group, name, what takes a bench)."""
    for group, cases in openflow_cases.descriptions().items():
        for case in cases:
            yield group, case["description"], lambda bench, case=case: bench.run(case)
    for group, function in openflow_behaviour.BEHAVIOURS:
        yield group, function.__name__.replace("_", " "), function


def run(options):
    ports = openflow_tester.in_namespace(options.netns, lambda: {n + 1: openflow_tester.Port(i)
                                                                 for n, i in enumerate(options.ports.split(","))})
    controller = openflow_tester.listen(lambda port: subprocess.run(options.announce % port, shell=True, check=True))
    bench = openflow_tester.Bench(controller, ports, exact=not options.loose, settle=options.settle)
    passed, failed = collections.Counter(), collections.Counter()
    for group, name, test in tests():
        if not re.search(options.only, group):
            continue
        try:
            test(bench)
            passed[group] += 1
        except (openflow_tester.Failure, OSError) as failure:
            bench.clean()
            failed[group] += 1
            if failed[group] <= options.show:
                print("FAILED: %s: %s: %s" % (group, name, failure), flush=True)
    for group in failed:
        print("%-32s %4d of %4d fail" % (group, failed[group], failed[group] + passed[group]))
    print("%d passed, %d failed" % (passed.total(), failed.total()))
    return 1 if failed or not passed else 0


def table():
    """What docs/openflow.md says of the tests: how many there are of each thing."""
    count = collections.Counter(group for group, _, _ in tests())
    fields = [g[6:] for g in count if g.startswith("match ") and " " not in g[6:] and g != "match all"]
    lines = ["| field | matched | masked | set |", "|---|---|---|---|"]
    for field in fields:
        numbers = [count.pop("match " + field), count.pop("match %s masked" % field, ""), count.pop("set_field " + field, "")]
        lines.append("| `%s` | %s |" % (field, " | ".join(map(str, numbers))))
    lines += ["", "| what | tests |", "|---|---|"] + ["| %s | %d |" % item for item in count.items()]
    return "\n".join(lines) + "\n"


def check(path):
    """Whether a document has the table of today's tests."""
    with open(path) as document:
        if table() in document.read():
            return 0
    print("%s has another table than this:\n%s" % (path, table()))
    return 1


def write(folder):
    for number, (group, cases) in enumerate(openflow_cases.descriptions().items()):
        name = "%03d_%s.json" % (number, re.sub(r"\W", "_", group))
        with open(os.path.join(folder, name), "w") as out:
            json.dump([group] + cases, out, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run")
    one.add_argument("--netns", default="", help="the namespace that the interfaces are in")
    one.add_argument("--ports", required=True, help="interfaces that are the other ends of ports 1, 2 and 3")
    one.add_argument("--announce", required=True, help="tells the switch the TCP port of its controller")
    one.add_argument("--only", default="", help="groups that match this expression")
    one.add_argument("--show", type=int, default=3, help="failures of a group that are shown in full")
    one.add_argument("--loose", action="store_true", help="for switches whose table statistics come late")
    one.add_argument("--settle", default="", help="a command after each change, for switches whose barriers do not wait for their caches")
    one = commands.add_parser("check")
    one.add_argument("document")
    one = commands.add_parser("write")
    one.add_argument("folder")
    options = parser.parse_args()
    if options.command == "write":
        return write(options.folder)
    return check(options.document) if options.command == "check" else run(options)


if __name__ == "__main__":
    sys.exit(main())
