#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The bench's arithmetic, and that the documents show what was measured: test_bench.py SOURCE_ROOT"""
import json
import os
import sys
import unittest

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, "tests/bench"))
sys.dont_write_bytecode = True
import figures # noqa: E402 (found by the path above)
import report # noqa: E402


class Accounts(unittest.TestCase):
    def test_accounts_that_close_are_silent(self):
        figures.close("x", ("received", 10), {"sent": 7, "dropped": 3})

    def test_one_packet_too_many_or_too_few_gives_the_whole_ledger(self):
        for received in (9, 11):
            with self.assertRaises(figures.Ledger) as refused:
                figures.close("testpmd", ("received", received), {"sent": 7, "dropped": 3})
            self.assertRegex(str(refused.exception), r"testpmd.*\n +received +%d\n +dropped +3\n +sent +7\n.*accounted for +%d$" %
                             (received, received - 10))


class Summaries(unittest.TestCase):
    def test_differences_are_taken_within_a_round(self):
        # The third round was disturbed, for both alike. The medians differ by 10.5, which no round has.
        row = figures.summary([30.0, 32.0, 90.0, 31.0, 33.0], [20.0, 21.0, 60.0, 21.5, 23.0])
        self.assertEqual((row["median"], row["min"], row["max"]), (32.0, 30.0, 90.0))
        self.assertEqual(row["above"], 10.0)
        self.assertAlmostEqual(row["ratio"], 1.5)

    def test_without_a_floor_there_is_no_difference(self):
        self.assertNotIn("above", figures.summary([1.0, 2.0]))


class Documents(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, report.RESULTS)) as f:
            self.results = json.load(f)

    def read(self, path):
        with open(os.path.join(ROOT, path)) as f:
            return f.read()

    def test_they_show_the_committed_results(self):
        for path in report.DOCUMENTS:
            text = self.read(path)
            self.assertTrue(report.PLACE.search(text), path)
            self.assertEqual(report.rewritten(text, self.results), text, path)

    def test_other_results_would_change_them(self):
        self.results["scenarios"]["bridge-1k"]["devices"]["Sluice bridge"]["median"] += 1
        for path in report.DOCUMENTS:
            self.assertNotEqual(report.rewritten(self.read(path), self.results), self.read(path), path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
