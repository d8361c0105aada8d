# SPDX-License-Identifier: BSD-3-Clause
"""A device between two vhost-user ports, and a sluiced on the other core whose traffic generator sends into one of them and
looks at what comes out of the other: how long it takes, and how much gets through."""
import json
import os
import time

import disturbance
import dut
import figures
import vhost

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../pktgen-profiles")
LATENCY_PPS = 100000
US = {q: "us, " + q for q in ("p50", "p99", "p99.9", "max")}
LOST = "frames lost"
LOSSLESS = "million packets/s without loss"
KEPT = 0.99 # of the rate that was asked for: else it was not offered
TRIAL = 0.03 # seconds of one, at most: a guest's queue overflows in microseconds, and the machine pauses every few milliseconds
TRIES = 12   # of a rate, at most
FAILS = 3    # that tell, of those during which the devices had their cores for themselves
ALONE = 0.01  # the share of its time that others may have a core for
SETTLE = 0.3 # seconds, at most, for the last frames to arrive


def profile(size):
    with open(os.path.join(PROFILES, "rfc2544-%d.json" % size)) as f:
        made = json.load(f)
    made["layers"][0]["dst"] = vhost.GUEST_MAC
    return made


def seen_pps(got):
    """The rate of which sender and receiver are both sure, each by its own clock."""
    return min(got["pps"], got["received"]["pps"])


class Wire:
    """The device with the generator around it."""
    overhead = 2.5

    def __init__(self, context, device, size=64):
        self.device, self.size = device(context, client=0), size
        self.name = self.device.name
        self.generator = dut.Daemon(context, workers=str(dut.CONTROL_CPU), control=str(dut.CONTROL_CPU))

    def start(self):
        self.device.start()
        if isinstance(self.device, dut.Testpmd):
            self.device.command("start")
        self.generator.launch()
        for i, path in enumerate(vhost.paths(self.device.context)):
            dut.wait_for(lambda: os.path.exists(path), 10, path)
            self.generator.call("port.add", name="g%d" % i, type="virtio-user", path=path)
        dut.wait_for(lambda: all(p["link"] == "up" for p in self.generator.call("port.list")), 20, "the generator's links up")
        # The first frames make the device look at its ports, and be seen by it.
        dut.wait_for(lambda: self.send(1000, 0.1)["received"]["lost"] == 0, 10, "frames through " + self.name)

    def send(self, rate, seconds, settle=SETTLE):
        """Sends for a while and returns pktgen.stats of it, when the last frame is there or lost."""
        conf = {"duration": seconds} if rate == 0 else {"count": max(1, int(rate * seconds))}
        self.generator.call("pktgen.start", port="g0", rx_port="g1", profile=profile(self.size), rate=int(rate), **conf)

        time.sleep(seconds) # asking takes the generator's core from it

        def stats():
            return self.generator.call("pktgen.stats", port="g0")[0]
        dut.wait_for(lambda: stats()["state"] == "done", 30 + 10 * seconds, "the end of the generator's stream")
        end = time.monotonic() + settle
        while stats()["received"]["lost"] and time.monotonic() < end:
            time.sleep(0.01)
        got = stats()
        if got["received"]["duplicates"] or got["received"]["corrupt"]:
            raise figures.Ledger("%s repeated or spoilt frames: %s" % (self.name, json.dumps(got)))
        return got

    def pids(self):
        return self.device.pids() + self.generator.pids()

    def stop(self):
        self.generator.stop()
        self.device.stop()


class Latency(Wire):
    """At a rate that every device has time for."""

    def measure(self, seconds):
        before = self.device.dropped()
        got = self.send(LATENCY_PPS, seconds)
        lost = self.device.dropped() - before
        figures.close(self.name, ("sent", got["packets"]), {"received": got["received"]["packets"], "dropped by the device": lost})
        return {**{unit: got["received"]["latency_us"][q] for q, unit in US.items()}, LOST: lost}


class Rfc2544(Wire):
    """The highest rate at which nothing is lost. That a rate passes is seen by one trial; that it does not, by several."""
    overhead = 8.0
    doubt = None # why a rate that did not pass might have

    def measure(self, seconds):
        trial = min(TRIAL, seconds / 5)
        top = seen_pps(self.send(0, trial))

        def passes(rate):
            failed = 0
            for _ in range(TRIES):
                before = disturbance.schedule(self.pids())
                got = self.send(rate, trial, settle=trial)
                if got["received"]["lost"] == 0 and seen_pps(got) >= KEPT * rate:
                    return True
                failed += disturbance.waited(before, disturbance.schedule(self.pids())) < ALONE
                if failed == FAILS:
                    return False
            self.doubt = "others ran on the cores in the trials of %.0f packets/s" % rate
            return False
        best = figures.highest(passes, top)
        if best is None:
            raise disturbance.Disturbed("at no rate at all was nothing lost")
        return {LOSSLESS: best / 1e6}
