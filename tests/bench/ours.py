# SPDX-License-Identifier: BSD-3-Clause
"""What is measured of Sluice alone: two workers, its longest pauses, and its traffic generator."""
import json
import os
import statistics
import time

import disturbance
import dut
import figures
import wire

MPPS = "million packets/s"
GAP, TYPICAL, DROPS, CHANGES = "us, longest gap between two polls", "us, longest gap in the median window", "packets dropped", "changes/s"
CHURN_MACS = 1000
WINDOW, ALONE = 0.05, 0.002 # seconds, and the share of it that others may have the core for


class Workers(dut.Daemon):
    """Two bridges, each with a port that always has packets, and one worker for both or for each."""

    def __init__(self, context, workers):
        cpus = [dut.WORKER_CPU, dut.CONTROL_CPU][:workers]
        super().__init__(context, workers=",".join(map(str, cpus)))
        self.workers = workers

    def start(self):
        self.launch()
        self.txn(*dut.bridge_pair(self.context), *dut.bridge_pair(self.context, 1))
        lcores = [w["lcore"] for w in self.call("worker.list")]
        for pair in range(2):
            for port in ("in%d" % pair, "out%d" % pair):
                self.call("worker.assign", port=port, queue=0, lcore=lcores[pair % self.workers])
        dut.wait_for(lambda: all(b["macs"] >= len(self.context.macs) for b in self.call("bridge.list")), 30, "learning")

    def sample(self, seconds):
        samples = []
        for wait in (0, seconds):
            time.sleep(wait)
            stats = self.call("stats.get")
            cycles = stats["workers"][0]["busy_cycles"] + stats["workers"][0]["idle_cycles"]
            samples.append((cycles, sum(p["tx_packets"] for p in stats["ports"])))
        return samples

    def measure(self, seconds):
        (start, before), (end, after) = self.sample(seconds)
        self.audit()
        return (after - before) / ((end - start) / self.tsc_hz) / 1e6


class Quiet(dut.Sluice):
    """A busy bridge that nobody changes: the pauses that the machine makes."""
    name = "nothing changes"

    def measure(self, seconds):
        """The longest gap in windows during which nobody else had the worker's core."""
        gaps, drops, changes = [], 0, 0
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            before = disturbance.schedule(self.pids())
            self.call("stats.clear")
            changes += self.work(WINDOW)
            drops += sum(d["packets"] for d in self.call("stats.drops") if d["port"] in ("in0", "out0"))
            gap = self.call("worker.list")[0]["poll_gap_max_us"]
            if disturbance.waited(before, disturbance.schedule(self.pids())) < ALONE:
                gaps.append(gap)
        self.audit()
        if not gaps:
            raise disturbance.Disturbed("others ran on the core in every window of %g s" % WINDOW)
        return {GAP: max(gaps), TYPICAL: statistics.median(gaps), DROPS: drops, CHANGES: changes / (time.monotonic() - start)}

    def work(self, seconds):
        time.sleep(seconds)
        return 0


class Churn(Quiet):
    """The same, while ports, bridges, MAC addresses and the whole configuration come and go beside it."""
    name = "all of it changes"

    def work(self, seconds):
        end, changes = time.monotonic() + seconds, 0
        socket = os.path.join(self.context.folder, "churn.sock")
        macs = ["02:00:00:01:%02x:%02x" % divmod(i, 256) for i in range(CHURN_MACS)]
        while time.monotonic() < end:
            self.txn(("bridge.add", {"name": "br9"}),
                     ("port.add", {"name": "v9", "type": "vhost-user", "path": socket, "mode": "server"}),
                     ("bridge.port_add", {"bridge": "br9", "port": "v9", "vlan_mode": "trunk", "trunks": list(range(100, 200))}),
                     ("port.add", {"name": "n9", "type": "dpdk", "devargs": "net_null9"}),
                     ("bridge.port_add", {"bridge": "br9", "port": "n9"}),
                     *[("fdb.add", {"bridge": "br9", "mac": m, "port": "n9"}) for m in macs])
            saved = self.call("config.get")
            self.call("bridge.set", name="br0", aging_time=100 + changes % 100)
            self.txn(*[("fdb.del", {"bridge": "br9", "mac": m}) for m in macs[::2]])
            self.call("config.apply", document=saved, prune=True)
            self.call("fdb.flush", bridge="br9")
            self.txn(*[("fdb.del", {"bridge": "br9", "mac": m}) for m in macs],
                     ("bridge.port_del", {"bridge": "br9", "port": "v9"}), ("bridge.port_del", {"bridge": "br9", "port": "n9"}),
                     ("port.del", {"name": "v9"}), ("port.del", {"name": "n9"}), ("bridge.del", {"name": "br9"}))
            changes += 3 * CHURN_MACS + 10
        return changes


class Txonly(dut.Testpmd):
    """testpmd's own generator: every frame the same, not one field computed."""
    name = "testpmd txonly"

    def __init__(self, context):
        super().__init__(context, mode="txonly", devices=["net_null0,no-rx=1"], tag="txonly")


class Pktgen(dut.Daemon):
    """Our traffic generator, with sequence numbers, time stamps and checksums."""

    def __init__(self, context, profile):
        super().__init__(context)
        self.profile = profile

    def start(self):
        self.launch()
        self.call("port.add", name="out", type="dpdk", devargs="net_null0,no-rx=1")
        with open(os.path.join(wire.PROFILES, self.profile + ".json")) as f:
            self.call("pktgen.start", port="out", profile=json.load(f), rate=0)
        dut.wait_for(lambda: self.call("pktgen.stats")[0]["packets"], 10, "the first frame")

    def measure(self, seconds):
        cycles = super().measure(seconds)
        self.call("pktgen.stop", port="out")
        sent = self.call("pktgen.stats")[0]["packets"]
        port = self.call("port.stats", name="out")
        figures.close("pktgen", ("generated", sent), {"sent by the port": port["tx_packets"], **port["drops"]})
        return cycles
