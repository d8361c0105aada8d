# SPDX-License-Identifier: BSD-3-Clause
"""Flow entries that come and go: how fast, and what a worker feels of it."""
import json
import os
import time

import dut
import figures
import ours
import ovs

RULES, FEWER, PER_CALL = 100000, 2000, 10000
CHURN, BATCH = 10000, 50 # rules/s that come and go, so many at once
RATE = "rules/s"


def fields(i):
    """Priority, destination and port of the i-th rule; no two are the same."""
    return 1 + i % 1000, "10.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255), i % 60000 + 1


def text(i):
    return "priority=%d,udp,nw_dst=%s,tp_dst=%d,actions=output:2" % fields(i)


def members(i):
    priority, address, port = fields(i)
    return {"priority": priority, "match": {"eth_type": 2048, "ip_proto": 17, "ipv4_dst": address, "udp_dst": port},
            "actions": [{"type": "output", "port": 2}]}


class Flows(dut.Daemon):
    """A bridge in mode flow, whose first port always has packets, and an entry that takes them to the second."""

    def start(self):
        self.launch()
        ops = [("bridge.add", {"name": "br0", "mode": "flow"})]
        for port, devargs in zip(("in0", "out0"), dut.vdevs(self.context.pcap)):
            ops += [("port.add", {"name": port, "type": "dpdk", "devargs": devargs}), ("bridge.port_add", {"bridge": "br0", "port": port})]
        self.txn(*ops, ("flow.add", {"bridge": "br0", "flows": [{"text": "priority=0,actions=output:2"}]}))


class Load(Flows):
    """100 000 entries in requests of 10 000, made before the clock runs."""
    name, overhead = "Sluice, JSON", 5.0

    def requests(self):
        return [json.dumps({"jsonrpc": "2.0", "id": 1, "method": "flow.add", "params": {
            "bridge": "br0", "flows": [members(i) for i in range(first, first + PER_CALL)]}}).encode() + b"\n"
            for first in range(0, RULES, PER_CALL)]

    def measure(self, seconds):
        requests = self.requests()
        start = time.monotonic()
        for request in requests:
            self.stream.write(request)
            self.stream.flush()
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise RuntimeError(answer["error"])
        loaded = time.monotonic()
        there = self.call("flow.stats", bridge="br0")["flows"]
        asked = time.monotonic()
        self.call("flow.del", bridge="br0", text="udp")
        deleted = time.monotonic()
        if there != RULES + 1 or self.call("flow.stats", bridge="br0")["flows"] != 1:
            raise figures.Ledger("%d entries are there" % there)
        self.audit()
        return {RATE: RULES / (loaded - start), RATE + " deleted": RULES / (deleted - asked)}


class OvsLoad(ovs.Ovs):
    """The first of the same rules by ovs-ofctl add-flows: all of them take it minutes while packets come in."""
    name, overhead = "OVS-DPDK, ovs-ofctl", 7.0

    def teach(self, macs):
        self.run("ovs-ofctl", "del-flows", self.bridge())
        self.run("ovs-ofctl", "add-flow", self.bridge(), "priority=0,actions=output:out")

    def bridge(self):
        return os.path.join(self.folder, "br0.mgmt")

    def measure(self, seconds):
        path = os.path.join(self.folder, "rules")
        with open(path, "w") as out:
            out.writelines(text(i) + "\n" for i in range(FEWER))
        start = time.monotonic()
        self.run("ovs-ofctl", "add-flows", self.bridge(), path)
        loaded = time.monotonic()
        there = int(self.run("ovs-ofctl", "dump-aggregate", self.bridge()).split("flow_count=")[1])
        asked = time.monotonic()
        self.run("ovs-ofctl", "del-flows", self.bridge(), "udp")
        deleted = time.monotonic()
        if there != FEWER + 1:
            raise figures.Ledger("OVS has %d entries" % there)
        return {RATE: FEWER / (loaded - start), RATE + " deleted": FEWER / (deleted - asked)}


class Quiet(Flows, ours.Quiet):
    """A busy flow table that nobody changes."""


class Churn(Quiet):
    """The same, while 10 000 entries a second come or go in it, in requests of fifty."""
    name = "10 000 rules/s come and go"

    def work(self, seconds):
        """Batches come, and go by their cookies, at an even pace."""
        steps, start = int(CHURN * seconds / BATCH), time.monotonic()
        for step in range(steps):
            time.sleep(max(0, start + step * BATCH / CHURN - time.monotonic()))
            batch = range(step // 2 * BATCH, (step // 2 + 1) * BATCH)
            if step % 2 == 0:
                self.call("flow.add", bridge="br0", flows=[dict(members(i), cookie=1 + step // 2) for i in batch])
            elif self.call("flow.del", bridge="br0", cookie=1 + step // 2)["removed"] != BATCH:
                raise figures.Ledger("other entries were deleted than had been added")
        time.sleep(max(0, start + seconds - time.monotonic()))
        return steps * BATCH
