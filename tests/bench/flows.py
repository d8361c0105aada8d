# SPDX-License-Identifier: BSD-3-Clause
"""Flow tables: the same rules, in the words of ovs-ofctl, in our tables and in those of OVS-DPDK.

The rules of a table have 20 different masks. Each rule is made of one of the packets, so that all can be met, and the
packets meet all of them; whatever meets none goes the same way.
"""
import functools
import os
import random
import subprocess
import time

import dut
import ovs

MASKS = 20
RULES_PER_CALL = 10000


def address(number):
    return ".".join(str(number >> s & 255) for s in (24, 16, 8, 0))


def prefix(number, length):
    return "%s/%d" % (address(number >> 32 - length << 32 - length), length)


def matched(flow, mask):
    """A match that the flow of this number meets (traffic.write_pcap()), by the mask of this one."""
    parts = ["udp", "nw_src=" + prefix(0x0A000000 + flow, 32 - mask % 5), "nw_dst=" + prefix(0x0B000000 + flow % 65536, 32 - mask // 5 * 2)]
    return parts + (["tp_src=%d" % (1024 + flow % 50000)] if mask % 2 else ["tp_dst=4789"])


@functools.lru_cache(None)
def rules(count, flows, tables=1):
    """`count` rules with masks, and what the rest meets, in the first of so many tables; the others are met by all."""
    rng, lines = random.Random(count), {}
    end = "output:2" if tables == 1 else "goto_table:1"
    while len(lines) < count:
        mask = len(lines) % MASKS
        lines[",".join(matched(rng.randrange(flows), mask))] = 100 + mask
    texts = ["priority=%d,%s,actions=%s" % (priority, match, end) for match, priority in lines.items()]
    texts.append("priority=1,actions=" + end)
    for table in range(1, tables):
        texts.append("table=%d,actions=%s" % (table, "output:2" if table + 1 == tables else "goto_table:%d" % (table + 1)))
    return texts


@functools.lru_cache(None)
def grouped():
    """What of 1000 flows goes to a group of eight buckets, all of which lead to the one port."""
    return ["actions=group:1"]


@functools.lru_cache(None)
def metered():
    return ["actions=meter:1,output:2"]


GROUP = "group_id=1,type=select" + ",bucket=weight:1,actions=output:2" * 8
METER = "meter=1,pktps,burst,band=type=drop,rate=4000000000,burst_size=4000000" # nothing exceeds it


class Flows(dut.Daemon):
    """Ourselves: a bridge in mode flow, whose second port is all rules' output."""
    name, overhead = "Sluice flows", 2.2

    def __init__(self, context, texts, cache=None, group=None, meter=None):
        super().__init__(context)
        self.texts, self.group, self.meter = texts, group, meter
        self.options += ["--flow-cache", str(cache)] if cache else []

    def start(self):
        self.launch()
        ops = [("bridge.add", {"name": "br0", "mode": "flow"})]
        for port, devargs in zip(("in", "out"), dut.vdevs(self.context.pcap)):
            ops += [("port.add", {"name": port, "type": "dpdk", "devargs": devargs}), ("bridge.port_add", {"bridge": "br0", "port": port})]
        self.txn(*ops)
        self.program()

    def program(self):
        texts = self.texts()
        if self.group:
            self.call("group.add", bridge="br0", groups=[{"text": self.group}])
        if self.meter:
            self.call("meter.add", bridge="br0", meters=[{"text": self.meter}])
        for first in range(0, len(texts), RULES_PER_CALL):
            self.call("flow.add", bridge="br0", flows=[{"text": t} for t in texts[first:first + RULES_PER_CALL]])

    def measure(self, seconds):
        time.sleep(1) # its caches fill
        return super().measure(seconds)


class Ovs(ovs.Ovs):
    """The same rules, by its ovs-ofctl."""
    name = "OVS-DPDK flows"

    def __init__(self, context, texts, group=None, meter=None):
        super().__init__(context)
        self.texts, self.group, self.meter = texts, group, meter

    def program(self):
        bridge = os.path.join(self.folder, "br0.mgmt")
        for what, text in (("add-group", self.group), ("add-meter", self.meter)):
            if text:
                self.run("ovs-ofctl", "-O", "OpenFlow13", what, bridge, text)
        path = os.path.join(self.folder, "flows")
        with open(path, "w") as out:
            out.write("".join(t + "\n" for t in self.texts()))
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "add-flows", bridge, path], check=True, timeout=300)

    def teach(self, macs):
        """Rules need no FDB."""
