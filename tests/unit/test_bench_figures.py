#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The bench's arithmetic, and that the documents show what was measured: test_bench_figures.py SOURCE_ROOT"""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import scapy.utils

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, "tests/bench"))
sys.dont_write_bytecode = True
import disturbance # noqa: E402 (found by the path above)
import dut # noqa: E402
import figures # noqa: E402
import plot # noqa: E402
import report # noqa: E402
import rounds # noqa: E402
import scenarios # noqa: E402
import traffic # noqa: E402


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


class Search(unittest.TestCase):
    def test_the_highest_rate_is_found_to_one_percent_and_never_exceeded(self):
        for capacity in (1.0, 37.5, 999.0, 12345.0, 99000.0, 100000.0):
            tried = []

            def passes(rate):
                tried.append(rate)
                return rate <= capacity
            found = figures.highest(passes, 100000.0)
            if capacity < 100000.0 / 1000:
                self.assertTrue(found is None or found <= capacity)
                continue
            self.assertLessEqual(found, capacity)
            self.assertGreaterEqual(found, 0.99 * capacity)
            self.assertLess(len(tried), 20)

    def test_a_device_that_loses_at_every_rate_has_none(self):
        self.assertIsNone(figures.highest(lambda rate: False, 1e6))

    def test_the_budget_of_ten_gigabit(self):
        self.assertAlmostEqual(figures.line_rate_cycles(64, 2.0e9), 134.4)


class Targets(unittest.TestCase):
    def missed(self, target, **row):
        return figures.missed("x", target, {"u": {"d": row}})

    def test_each_kind_is_met_at_the_limit_and_missed_beyond(self):
        for of, at_most, met, beyond in (("above", True, 20.0, 20.1), ("ratio", True, 1.1, 1.11), ("ratio", False, 1.9, 1.89), ("median", True, 50, 51)):
            target = scenarios.Target("d", met, of, "u", at_most)
            self.assertIsNone(self.missed(target, **{of: met}))
            self.assertRegex(self.missed(target, **{of: beyond}), "^x, d: .*%s %g" % ("at most" if at_most else "at least", met))

    def test_what_was_not_measured_is_missed(self):
        self.assertRegex(figures.missed("x", scenarios.Target("d", 1), {}), "x: d was not measured")


class Disturbance(unittest.TestCase):
    def test_a_slower_core_is_told_from_one_at_its_best(self):
        times = iter([1.0, 1.1, 0.9, 1.1])
        watch = disturbance.Watch(0, lambda cpu: next(times))
        self.assertEqual(watch.slowness(), 1.0)
        self.assertIsNone(watch.verdict(watch.slowness(), 0))
        self.assertEqual(watch.slowness(), 1.0) # the fastest so far
        self.assertRegex(watch.verdict(watch.slowness(), 0), "1.22 times slower")

    def test_only_the_wait_of_the_busiest_thread_counts(self):
        before = [{"worker": (1000, 50), "control": (10, 9000)}]
        after = [{"worker": (1900, 150), "control": (20, 99000), "new": (5, 5)}]
        self.assertEqual(disturbance.waited(before, after), 0.1)
        self.assertRegex(disturbance.Watch(0).verdict(1.0, 0.1), "10 % of the time")
        self.assertIsNone(disturbance.Watch(0).verdict(1.0, 0.1, 0.2))

    def test_the_probe_takes_time_and_leaves_the_affinity_alone(self):
        before = os.sched_getaffinity(0)
        self.assertGreater(disturbance.probe(min(before)), 0)
        self.assertEqual(os.sched_getaffinity(0), before)

    def test_disturbed_rounds_count_only_where_others_lack(self):
        good, bad, part = {"a": 1, "b": 2}, {"a": 10, "b": 20}, {"a": 10}
        self.assertEqual(rounds.choose([good] * 3, [bad], 3, ["a", "b"]), ([good] * 3, 0))
        self.assertEqual(rounds.choose([good], [part, bad, bad], 3, ["a", "b"]), ([good, bad, bad], 2))
        with self.assertRaises(disturbance.Disturbed):
            rounds.choose([], [part], 3, ["a", "b"])


class Fake:
    """A device whose figures are given, and which says what happened to it."""
    overhead = 1.0
    log = []

    def __init__(self, context, name, values, fault=None):
        self.name, self.values, self.fault = name, values, fault
        if isinstance(fault, dut.Missing):
            raise fault

    def start(self):
        Fake.log.append("start " + self.name)

    def pids(self):
        return [os.getpid()]

    def measure(self, seconds):
        if self.fault:
            raise self.fault
        return self.values.pop(0)

    def stop(self):
        Fake.log.append("stop " + self.name)


class Rounds(unittest.TestCase):
    def measure(self, *devices, n=2, **more):
        Fake.log = []
        scenario = scenarios.Scenario("s", "text", list(devices), unit="u", waited=1.0, **more)
        watch = disturbance.Watch(0, lambda cpu: 1.0)
        progress = rounds.Progress(rounds.planned_seconds(scenario, n, 1), out=io.StringIO())
        return rounds.measure(scenario, dut.Context("build", None, False), n, 1, watch, progress)

    def test_devices_take_turns(self):
        got = self.measure(scenarios.Device("a", Fake, "a", [1.0, 3.0]), scenarios.Device("b", Fake, "b", [{"u": 4.0, "v": 9}, {"u": 5.0, "v": 8}]),
                           floor="a")
        self.assertEqual(Fake.log, ["start a", "stop a", "start b", "stop b"] * 2)
        self.assertEqual(got["figures"]["u"]["b"], {"median": 4.5, "min": 4.0, "max": 5.0, "runs": [4.0, 5.0], "above": 2.5,
                                                   "ratio": (4.0 + 5.0 / 3.0) / 2})
        self.assertEqual(list(got["figures"]["v"]), ["b"])
        self.assertNotIn("above", got["figures"]["v"]["b"])

    def test_who_cannot_run_is_skipped_by_name_and_the_others_are_measured(self):
        got = self.measure(scenarios.Device("a", Fake, "a", [1.0, 3.0]), scenarios.Device("b", Fake, "b", [], dut.Missing("no b here")), floor="a")
        self.assertEqual(got["skipped"], {"b": "no b here"})
        self.assertEqual(list(got["figures"]["u"]), ["a"])

    def test_a_ledger_that_does_not_close_leaves_no_figure_and_the_device_is_stopped(self):
        with self.assertRaises(figures.Ledger):
            self.measure(scenarios.Device("a", Fake, "a", [], figures.Ledger("one packet")))
        self.assertEqual(Fake.log, ["start a", "stop a"])

    def test_frames_that_do_not_fit_are_no_failure(self):
        with self.assertRaisesRegex(dut.Missing, "100000 frames in memory take more hugepages"):
            self.measure(scenarios.Device("a", Fake, "a", [1.0]), frames=scenarios.Frames(100000))
        self.assertEqual(Fake.log, [])

    def test_time_left_follows_the_pace(self):
        now = [0.0]
        progress = rounds.Progress(100.0, clock=lambda: now[0])
        self.assertEqual(progress.left(), 100.0)
        progress.done, now[0] = 25.0, 50.0
        self.assertEqual(progress.left(), 150.0)


class Scenarios(unittest.TestCase):
    def test_each_is_whole(self):
        names = [s.name for s in scenarios.ALL]
        self.assertEqual(len(names), len(set(names)))
        for s in scenarios.ALL:
            labels = [d.label for d in s.devices]
            self.assertEqual(len(labels), len(set(labels)), s.name)
            self.assertTrue(s.floor is None or s.floor in labels, s.name)
            for t in s.targets:
                self.assertIn(t.device, labels, s.name)
            self.assertFalse(set(s.left_out) & set(labels), s.name)

    def test_all_of_them_take_about_half_an_hour(self):
        self.assertLess(sum(rounds.planned_seconds(s, 5, 1) for s in scenarios.ALL), 33 * 60)

    def test_a_machine_that_is_too_small_is_told_why(self):
        s = scenarios.Scenario("s", "text", [], cpus=2, memory_mb=4096)
        self.assertIsNone(s.skip_reason(2, 4096))
        self.assertEqual(s.skip_reason(1, 4096), "it takes 2 CPUs, here is 1")
        self.assertRegex(s.skip_reason(2, 4095), "4096 MB of memory, here are 4095")

    def test_frames_are_what_the_scenario_says(self):
        for frames in (scenarios.Frames(3, 64), scenarios.Frames(4, 1518, 2), scenarios.Frames(1, 0)):
            with tempfile.NamedTemporaryFile() as f:
                macs = traffic.write_pcap(f.name, frames.flows, frames.size, frames.macs)
                with contextlib.closing(scapy.utils.RawPcapReader(f.name)) as reader:
                    seen = [packet for packet, _ in reader]
            self.assertEqual({len(p) for p in seen}, {frames.size - 4 if frames.size else 14})
            self.assertEqual(len(set(seen)), frames.flows)
            self.assertEqual({p[:6].hex(":") for p in seen}, set(macs))
            self.assertEqual(len(macs), frames.macs)


class Documents(unittest.TestCase):
    def setUp(self):
        self.results = json.loads(self.read(report.RESULTS))

    def read(self, path):
        with open(os.path.join(ROOT, path)) as f:
            return f.read()

    def test_they_show_the_committed_results(self):
        for path in report.DOCUMENTS:
            text = self.read(path)
            self.assertTrue(report.PLACE.search(text), path)
            self.assertEqual(report.rewritten(text, self.results), text, path)

    def test_the_plots_are_of_the_committed_results(self):
        plots = plot.plots(self.results)
        self.assertGreater(len(plots), 2)
        for name, svg in plots.items():
            xml.etree.ElementTree.fromstring(svg)
            self.assertEqual(self.read("docs/" + name), svg, name)
            self.assertIn("(%s)" % name, self.read("docs/performance.md"))

    def test_other_results_would_change_them(self):
        before = plot.plots(self.results)
        self.results["scenarios"]["bridge-1k"]["figures"][scenarios.CYCLES][scenarios.SLUICE]["median"] += 1
        for path in report.DOCUMENTS:
            self.assertNotEqual(report.rewritten(self.read(path), self.results), self.read(path), path)
        self.assertNotEqual(plot.plots(self.results)["bench-cost.svg"], before["bench-cost.svg"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
