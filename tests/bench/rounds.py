# SPDX-License-Identifier: BSD-3-Clause
"""Rounds: every device of a scenario once, in turn, as often as asked; disturbed rounds once more."""
import os
import sys
import tempfile
import time

import disturbance
import dut
import figures
import traffic

WIDTH = 24 # of the progress bar


class Progress:
    """Of the whole run, in planned seconds; the time left is scaled by how long the planned ones took so far."""

    def __init__(self, planned, out=sys.stderr, clock=time.monotonic):
        self.planned, self.out, self.clock = planned, out, clock
        self.done, self.start = 0.0, clock()

    def left(self):
        """Seconds."""
        pace = (self.clock() - self.start) / self.done if self.done else 1.0
        return max(0.0, self.planned - self.done) * pace

    def show(self, text):
        if self.out.isatty():
            share = min(1.0, self.done / self.planned) if self.planned else 1.0
            bar = "#" * int(share * WIDTH)
            left = self.left()
            self.out.write("\r\033[K[%-*s] %3.0f %%, %d:%02d left, %s" % (WIDTH, bar, 100 * share, left // 60, left % 60, text))
            self.out.flush()

    def clear(self):
        if self.out.isatty():
            self.out.write("\r\033[K")
            self.out.flush()


def device_seconds(device, seconds):
    return device.cls.overhead + seconds


def planned_seconds(scenario, rounds, seconds):
    return rounds * sum(device_seconds(d, seconds) for d in scenario.devices)


def measure_once(device, context, seconds, watch, allowed):
    """(figure or None, why it was disturbed or None)"""
    slowness = watch.slowness()
    made = device.make(context)
    try:
        made.start()
        before = disturbance.schedule(made.pids())
        figure = made.measure(seconds)
        waited = disturbance.waited(before, disturbance.schedule(made.pids()))
    except disturbance.Disturbed as why:
        return None, str(why)
    finally:
        made.stop()
    return figure, watch.verdict(max(slowness, watch.slowness()), waited, allowed) or getattr(made, "doubt", None)


def measure_round(scenario, context, seconds, watch, missing, progress, what):
    """({label: figure}, {label: why it was disturbed}); whom the machine cannot run goes into `missing`."""
    values, disturbed = {}, {}
    for device in scenario.devices:
        if device.label not in missing:
            progress.show("%s: %s, %s" % (scenario.name, what, device.label))
            try:
                value, why = measure_once(device, context, seconds, watch, scenario.waited)
                if value is not None:
                    values[device.label] = value
                if why:
                    disturbed[device.label] = why
            except dut.Missing as why:
                missing[device.label] = str(why)
        progress.done += device_seconds(device, seconds)
    return values, disturbed


def measure(scenario, context, rounds, seconds, watch, progress):
    """The rounds of a scenario as its result: {text, unit, figures: {unit: {label: summary}}, skipped: {label: why},
    disturbed: [why], disturbed_used: rounds}."""
    missing, good, bad, notes = dict(scenario.left_out), [], [], []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        prepare(scenario, context, folder)
        for _ in range(rounds + (rounds + 1) // 2):
            what = "round %d of %d" % (len(good) + 1, rounds) + (" (%d disturbed)" % len(bad) if bad else "")
            values, disturbed = measure_round(scenario, context, seconds, watch, missing, progress, what)
            notes += ["%s: %s" % item for item in disturbed.items()]
            (bad if disturbed else good).append(values)
            if len(good) == rounds:
                break
    progress.clear()
    used, disturbed_used = choose(good, bad, rounds, [d.label for d in scenario.devices if d.label not in missing])
    return {"text": scenario.text, "unit": scenario.unit, "skipped": missing, "disturbed": notes, "disturbed_used": disturbed_used,
            "figures": summaries(scenario, used)}


def prepare(scenario, context, folder):
    context.folder = folder
    if scenario.frames:
        f = scenario.frames
        if f.flows * 1.2 > context.mbufs(): # net_pcap keeps each frame in a buffer of its own
            raise dut.Missing("%d frames in memory take more hugepages than there are" % f.flows)
        context.pcap = os.path.join(folder, "frames.pcap")
        context.macs = traffic.write_pcap(context.pcap, f.flows, f.size, f.macs)


def choose(good, bad, rounds, labels):
    """The rounds that count, in which every device has a figure: disturbed ones only as far as there are too few others.
    And how many of those are disturbed."""
    whole = [r for r in bad if set(r) == set(labels)]
    used = (good + whole)[:rounds]
    if labels and not used:
        raise disturbance.Disturbed("no round in which every device could be measured")
    return used, max(0, len(used) - len(good))


def summaries(scenario, rounds):
    """{unit: {label: summary}} of rounds [{label: figure or {unit: figure}}]."""
    units = {}
    for values in rounds:
        for label, value in values.items():
            for unit, v in (value if isinstance(value, dict) else {scenario.unit: value}).items():
                units.setdefault(unit, {}).setdefault(label, []).append(v)
    return {unit: {label: figures.summary(v, devices.get(scenario.floor)) for label, v in devices.items()}
            for unit, devices in units.items()}
