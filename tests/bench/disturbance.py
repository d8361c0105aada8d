# SPDX-License-Identifier: BSD-3-Clause
"""Whether a measurement was alone on its core.

Two signs: the run queue, in which the kernel counts how long a device's busiest thread waited for its CPU; and a loop of
fixed work before and after the measurement, which takes longer when the clock or the host's scheduler gives the core less.
"""
import glob
import hashlib
import os
import time

import figures

BLOCK = bytes(1 << 16)
LOOPS = 41
SLOWER = 1.15      # than the fastest of this run: disturbed
WAITED = 0.02      # of the time


class Disturbed(Exception):
    """The machine let nothing be measured, and why."""


def probe(cpu):
    """Seconds that the fixed work takes on a CPU: the median of many short loops."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        times = []
        for _ in range(LOOPS):
            start = time.perf_counter()
            hashlib.sha256(BLOCK).digest()
            times.append(time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, before)
    return figures.summary(times)["median"]


def schedule(pids):
    """[{thread: (ns that it ran, ns that it waited for a CPU)}] of the processes."""
    return [threads_of(pid) for pid in pids]


def threads_of(pid):
    threads = {}
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        try:
            with open(path) as f:
                ran, waited, _ = map(int, f.read().split())
        except OSError: # the thread has just ended
            continue
        threads[path] = (ran, waited)
    return threads


def waited(before, after):
    """The share of its time for which the busiest thread of a process had to wait; of several processes the largest."""
    return max(waited_of(*pair) for pair in zip(before, after))


def waited_of(before, after):
    ran = {t: after[t][0] - before.get(t, (0, 0))[0] for t in after}
    if not ran:
        return 0.0
    busiest = max(ran, key=ran.get)
    lost = after[busiest][1] - before.get(busiest, (0, 0))[1]
    return lost / max(1, lost + ran[busiest])


class Watch:
    """Remembers the fastest probe of the run."""

    def __init__(self, cpu, probe=probe):
        self.cpu, self.probe, self.fastest = cpu, probe, None

    def slowness(self):
        """How many times longer the fixed work takes now than it did at best."""
        now = self.probe(self.cpu)
        self.fastest = min(now, self.fastest or now)
        return now / self.fastest

    def verdict(self, slowness, waited_share, allowed=WAITED):
        """Why a measurement counts as disturbed, or None."""
        if slowness > SLOWER:
            return "the core was %.2f times slower than at its best" % slowness
        if waited_share > allowed:
            return "others ran on the core for %.2g %% of the time" % (100 * waited_share)
        return None
