# SPDX-License-Identifier: BSD-3-Clause
"""Routing: a full table's worth of routes, frames to what they lead to, and the devices that forward by them.

Frames come in at interface `in` and leave by `out`, where eight neighbours are, whose MAC addresses are static.
"""
import functools
import ipaddress
import json
import os
import random
import statistics
import struct
import time

import disturbance
import dut
import figures
import ours
import ovs
import traffic

NEIGHBOURS = 8
RATE = "routes/s"
# How many of 1000 prefixes have a length, as full tables of the years 2020 to 2025 have them.
LENGTHS = {4: {8: 1, 12: 1, 14: 2, 15: 2, 16: 13, 17: 8, 18: 14, 19: 25, 20: 43, 21: 49, 22: 107, 23: 96, 24: 617, 28: 12, 32: 10},
           6: {20: 1, 24: 1, 29: 40, 32: 140, 36: 48, 40: 96, 42: 21, 44: 115, 46: 29, 48: 430, 56: 35, 64: 44}}
BITS = {4: 32, 6: 128}
ROUTES_PER_CALL, ROUTES_PER_WINDOW = 100000, 10000


def address(family, number):
    return str((ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address)(number))


def link(family, number, host):
    """An address on the link of an interface: 1 is ours."""
    return "192.168.%d.%d" % (number, host) if family == 4 else "fd00:%d::%d" % (number, host)


@functools.lru_cache(None)
def prefixes(family, count):
    """[(number, length)], in random order, without those that are not routed."""
    rng, found = random.Random(family), {}
    lengths, weights = list(LENGTHS[family]), list(LENGTHS[family].values())
    while len(found) < count:
        for length in rng.choices(lengths, weights, k=count - len(found)):
            if family == 4:
                top = rng.choice([*range(1, 10), *range(11, 127), *range(128, 169), *range(170, 192), *range(193, 224)])
                number = top << 24 | rng.getrandbits(24)
            else:
                number = 0x2000 + rng.getrandbits(12) << 112 | rng.getrandbits(112)
            shift = BITS[family] - length
            found[number >> shift << shift, length] = True
    return list(found)


@functools.lru_cache(None)
def small(count):
    """/24s one beside the other."""
    return [(0x0B000000 + (i << 8), 24) for i in range(count)]


def destinations(family, routes, flows):
    rng = random.Random(flows)
    for _ in range(flows):
        number, length = rng.choice(routes)
        yield number | rng.getrandbits(BITS[family] - length) if length < BITS[family] else number


def udp6_frame(dst, src, src_ip, dst_ip, sport, dport, size):
    length = size - 4 - 14 - 40
    ip = struct.pack(">IHBB", 6 << 28, length, 17, 64) + src_ip.to_bytes(16, "big") + dst_ip.to_bytes(16, "big")
    return dst + src + b"\x86\xdd" + ip + struct.pack(">HHHH", sport, dport, length, 0) + bytes(length - 8)


def write_pcap(path, family, routes, flows):
    """`flows` UDP flows to random routes, in random order, in frames of 64 bytes, of IPv6 of 78, which its headers take."""
    make, source = (traffic.udp_frame, 0xC0A80002) if family == 4 else (udp6_frame, 0xFD00 << 112 | 2)
    frames = [make(traffic.mac(2, 0), traffic.mac(1, 0), source, to, 1024 + i % 50000, 4789, 64 if family == 4 else 78)
              for i, to in enumerate(destinations(family, routes, flows))] * max(1, 1024 // flows)
    random.Random(1).shuffle(frames)
    traffic.write_frames(path, frames)


class Routed:
    """What the devices below share: routes, which a function tells when they are needed, and frames to them."""

    def __init__(self, context, family, routes, flows, **more):
        super().__init__(context, **more)
        self.family, self.routes = family, routes()
        path = os.path.join(context.folder, "routed-%d-%d-%d.pcap" % (family, len(self.routes), flows))
        if not os.path.exists(path):
            write_pcap(path, family, self.routes, flows)
        self.context.pcap = path


class Testpmd(Routed, dut.Testpmd):
    """The floor, over the same frames."""


class Router(Routed, dut.Daemon):
    """Ourselves: an interface on each of two ports."""
    name = "Sluice router"

    def __init__(self, context, family, routes, flows, ways=1):
        super().__init__(context, family, routes, flows)
        self.ways = ways

    def start(self):
        self.launch()
        ops = []
        for number, (name, devargs) in enumerate(zip(["in", "out"], dut.vdevs(self.context.pcap))):
            ops.append(("port.add", {"name": name, "type": "dpdk", "devargs": devargs}))
            ops.append(("iface.add", {"name": "i-" + name, "port": name, "mac": "02:02:00:00:00:00" if number == 0 else "02:03:00:00:00:00",
                                      "addresses": [link(self.family, number, 1) + ("/24" if self.family == 4 else "/64")]}))
        for n in range(NEIGHBOURS):
            ops.append(("neigh.add", {"iface": "i-out", "address": link(self.family, 1, 2 + n), "mac": "02:04:00:00:00:%02x" % n}))
        self.txn(*ops)
        self.load()

    def via(self, i):
        """The next hop of the i-th route, or all of them."""
        return [{"address": link(self.family, 1, 2 + (i + n) % NEIGHBOURS)} for n in range(self.ways)]

    def load(self):
        for first in range(0, len(self.routes), ROUTES_PER_CALL):
            some = self.routes[first:first + ROUTES_PER_CALL]
            self.call("route.add", routes=[{"prefix": "%s/%d" % (address(self.family, number), length), "via": self.via(first + i)}
                                           for i, (number, length) in enumerate(some)])

    def measure(self, seconds):
        self.call("stats.clear")
        cycles = super().measure(seconds)
        drops = sum(d["packets"] for d in self.call("stats.drops"))
        if drops:
            raise figures.Ledger("sluiced dropped %d packets: %s" % (drops, json.dumps(self.call("stats.drops"))))
        return cycles


class Million(Router):
    overhead = 9.0


class Load(Router):
    """A million routes come and go while a worker polls: its longest pause, and how fast they do."""
    name, overhead = "a million routes, loaded and withdrawn", 22.0

    def load(self):
        """Not yet."""

    def requests(self, method, parameter, of_route):
        """A million routes in lines of JSON, made before the clock runs."""
        for first in range(0, len(self.routes), ROUTES_PER_WINDOW):
            some = [of_route(first + i, "%s/%d" % (address(self.family, number), length))
                    for i, (number, length) in enumerate(self.routes[first:first + ROUTES_PER_WINDOW])]
            yield json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {parameter: some}}).encode() + b"\n"

    def send(self, request):
        """Returns the seconds that it took."""
        start = time.monotonic()
        self.stream.write(request)
        self.stream.flush()
        answer = json.loads(self.stream.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return time.monotonic() - start

    def gap(self, work):
        """The longest gap while something is done; None if others had the worker's core for a part of that time."""
        before = disturbance.schedule(self.pids())
        self.call("stats.clear")
        work()
        gap = self.call("worker.list")[0]["poll_gap_max_us"]
        return gap if disturbance.waited(before, disturbance.schedule(self.pids())) < ours.ALONE else None

    def gaps(self, gaps):
        self.audit()
        gaps = [g for g in gaps if g is not None]
        if not gaps:
            raise disturbance.Disturbed("others ran on the core in every window")
        return {ours.GAP: max(gaps), ours.TYPICAL: statistics.median(gaps)}

    def measure(self, seconds):
        """The gaps are of windows, a request each."""
        gaps, took = [], {}
        phases = {"loaded": self.requests("route.add", "routes", lambda i, prefix: {"prefix": prefix, "via": self.via(i)}),
                  "withdrawn": self.requests("route.del", "prefixes", lambda i, prefix: prefix)}
        for phase, requests in phases.items():
            took[phase] = 0
            for request in requests:
                def work():
                    took[phase] += self.send(request)
                gaps.append(self.gap(work))
        return {**self.gaps(gaps), **{RATE + " " + phase: len(self.routes) / t for phase, t in took.items()}}


class Unchanged(Load):
    """The same without routes: the pauses that the machine makes in windows as long."""
    name, overhead = "nothing changes", 8.0

    def measure(self, seconds):
        return self.gaps([self.gap(lambda: time.sleep(ours.WINDOW)) for _ in range(100)])


class Ovs(Routed, ovs.Ovs):
    """A rule for each route, which does what a router does: MAC addresses and time to live."""
    name = "OVS-DPDK rules"

    def start(self):
        super().start()
        path = os.path.join(self.folder, "rules")
        with open(path, "w") as out:
            for i, (number, length) in enumerate(self.routes):
                out.write("ip,nw_dst=%s/%d,actions=mod_dl_src:02:03:00:00:00:00,mod_dl_dst:02:04:00:00:00:%02x,dec_ttl,output:out\n"
                          % (address(4, number), length, i % NEIGHBOURS))
        self.run("ovs-ofctl", "--bundle", "replace-flows", os.path.join(self.folder, "br0.mgmt"), path)
