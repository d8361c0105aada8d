# SPDX-License-Identifier: BSD-3-Clause
"""What is measured, as a list of declarations: ALL, below.

To add one, append a Scenario to ALL:
- `devices` takes part in each round in this order. Each is Device(label, class, arguments...): the class is made with a
  dut.Context and the arguments, and has start(), measure(seconds) and stop(); most are dut.Daemon with a start() that
  brings about what is to be measured. measure() gives one figure, of the scenario's `unit`, or {unit: figure}.
- `floor` is the label of the device with which the others are compared, round by round. None: nothing is compared.
- `frames` makes a pcap file of traffic.frames() and puts it, and the destination MACs, into the context.
- `targets` are what --check asks for, of median, above (the floor) or ratio (to the floor).
- `left_out` names a peer that does not take part, and why; a device that cannot run raises dut.Missing instead.
A device closes its accounts with figures.close() before it gives a figure. The results, tables, docs/bench.json and the
targets table of docs/performance.md follow from here. Names are unique; `./dev bench list` shows them.
"""
import dataclasses
import functools

import disturbance
import dut
import flows as flow
import flow_load
import idle
import ours
import ovs
import router
import vhost
import wire

CYCLES = "cycles per packet"
IO, SLUICE, OVS, ROUTER = dut.Testpmd.name, dut.Sluice.name, ovs.Ovs.name, router.Router.name


class Device:
    """One that takes part: what it is called, and how it is made with a dut.Context."""

    def __init__(self, label, cls, *args):
        self.label, self.cls, self.args = label, cls, args

    def make(self, context):
        return self.cls(context, *self.args)


@dataclasses.dataclass
class Target:
    device: str # its label
    limit: float
    of: str = "above" # or median, or ratio
    unit: str = CYCLES
    at_most: bool = True


@dataclasses.dataclass
class Frames:
    """UDP flows of one size (with FCS), between so many pairs of MAC addresses. size 0: bare Ethernet headers."""
    flows: int
    size: int = 64
    macs: int = 1


@dataclasses.dataclass
class Scenario:
    name: str
    text: str
    devices: list
    unit: str = CYCLES
    floor: str = None
    frames: Frames = None
    targets: list = dataclasses.field(default_factory=list)
    left_out: dict = dataclasses.field(default_factory=dict)
    waited: float = disturbance.WAITED # the share of the time that others may have a core for; 1.0: the device sees to it itself
    cpus: int = 2
    memory_mb: int = 4096
    buffers: int = 300000 # packet buffers of each device

    def skip_reason(self, cpus, memory_mb):
        """Why a machine is too small for it, or None."""
        if cpus < self.cpus:
            return "it takes %d CPUs, here %s %d" % (self.cpus, "is" if cpus == 1 else "are", cpus)
        if memory_mb < self.memory_mb:
            return "it takes %d MB of memory, here are %d" % (self.memory_mb, memory_mb)
        return None


FLOOR, BRIDGE, PEER = Device(IO, dut.Testpmd), Device(SLUICE, dut.Sluice), Device(OVS, ovs.Ovs)
COUNTS = {1: "one UDP flow", 1000: "1000 UDP flows", 100000: "100 000 UDP flows"} # of the bridge's and the router's scenarios
SHORT = {1: "1", 1000: "1k", 100000: "100k"}


def io(flows, target):
    return Scenario("io-" + SHORT[flows], "%s of 64 bytes, forwarded unseen" % COUNTS[flows],
                    [FLOOR, Device(dut.SluiceIo.name, dut.SluiceIo)], floor=IO, frames=Frames(flows),
                    targets=[Target(dut.SluiceIo.name, target)])


def bridge(flows, target, size=64, peer=True):
    """OVS takes part where the frames are shortest, which is where devices differ."""
    return Scenario("bridge-" + SHORT[flows] + ("" if size == 64 else "-%d" % size),
                    "%s of %d bytes between two hosts" % (COUNTS[flows], size), [FLOOR, BRIDGE] + ([PEER] if peer else []),
                    floor=IO, frames=Frames(flows, size), targets=[Target(SLUICE, target)],
                    left_out={} if peer else {OVS: "it gets the longer frames with 1000 flows only, to save time"})


def macs(flows, target, **more):
    return Scenario("bridge-%s-macs" % SHORT[flows], "%s of 64 bytes, each of its own source and destination MAC" % COUNTS[flows],
                    [FLOOR, BRIDGE] + ([] if more else [PEER]), floor=IO, frames=Frames(flows, macs=flows),
                    targets=[Target(SLUICE, target)], **more)


def round_vhost(cls, *args):
    return [Device(IO, cls, vhost.TestpmdVhost, *args), Device(SLUICE, cls, vhost.SluiceVhost, *args)]


def rfc2544(size):
    return Scenario("rfc2544-%d" % size, "highest rate of %d-byte frames between two vhost-user ports without loss, to 1 %%" % size,
                    round_vhost(wire.Rfc2544, size), unit=wire.LOSSLESS, floor=IO, waited=1.0) # each trial is judged by itself


def route(family, flows, target):
    count = {4: 1000000, 6: 250000}[family]
    frames = family, functools.partial(router.prefixes, family, count), flows
    return Scenario("route%d-%s" % (family, SHORT[flows]), "%s of IPv%d, routed by %s" %
                    (COUNTS[flows], family, "a million routes" if family == 4 else "250 000 routes"),
                    [Device(IO, router.Testpmd, *frames), Device(ROUTER, router.Million, *frames)], floor=IO,
                    targets=[Target(ROUTER, target)])


def flows(name, text, frames, target, rules=1000, tables=1, cache=None, no_peer=None, **more):
    """no_peer: why OVS does not take part."""
    texts = functools.partial(flow.rules, rules, frames.flows, tables)
    return Scenario(name, text, [FLOOR, Device(flow.Flows.name, flow.Flows, texts, cache)] +
                    ([] if no_peer else [Device(flow.Ovs.name, flow.Ovs, texts)]), floor=IO, frames=frames,
                    targets=[Target(flow.Flows.name, target)], left_out={flow.Ovs.name: no_peer} if no_peer else {}, **more)


FEW = 4, functools.partial(router.small, 256), 1000 # routes, and flows to them


ALL = [
    io(1000, 4),
    io(100000, 6),
    bridge(1, 20),
    bridge(1000, 20),
    bridge(100000, 35),
    Scenario("bridge-1-min", "bare Ethernet headers (14 bytes), the shortest that a bridge can forward", [FLOOR, BRIDGE, PEER],
             floor=IO, frames=Frames(1, 0), targets=[Target(SLUICE, 20)]),
    *[bridge(flows, 35 if flows == 100000 else 20, size, flows == 1000) for flows in SHORT for size in (256, 512, 1518)],
    macs(1000, 20),
    macs(100000, 35, left_out={OVS: "it takes two minutes to be taught 100 000 addresses by fdb/add"}),
    route(4, 1000, 30),
    route(4, 100000, 60),
    route(6, 1000, 45),
    route(6, 100000, 75),
    Scenario("route4-256", "1000 UDP flows, routed by 256 /24, beside a rule of OpenFlow for each",
             [Device(IO, router.Testpmd, *FEW), Device(ROUTER, router.Router, *FEW), Device(router.Ovs.name, router.Ovs, *FEW)],
             floor=IO, targets=[Target(ROUTER, 30)]),
    Scenario("ecmp", "1000 UDP flows by routes of one next hop and of eight",
             [Device("one next hop", router.Router, *FEW), Device("eight next hops", router.Router, *FEW, router.NEIGHBOURS)],
             floor="one next hop", targets=[Target("eight next hops", 8)]),
    Scenario("route-load", "a million routes come and go while a worker polls",
             [Device(cls.name, cls, 4, functools.partial(router.prefixes, 4, 1000000), 1) for cls in (router.Unchanged, router.Load)],
             unit=ours.GAP, floor=router.Unchanged.name,
             waited=1.0, targets=[Target(router.Load.name, 50, "above", ours.TYPICAL),
                                      Target(router.Load.name, 200000, "median", router.RATE + " loaded", at_most=False),
                                      Target(router.Load.name, 200000, "median", router.RATE + " withdrawn", at_most=False)]),
    flows("flows-1k-rules", "1000 UDP flows by 1000 rules of 20 masks", Frames(1000), 40),
    flows("flows-100k", "100 000 UDP flows by 1000 rules of 20 masks", Frames(100000), 90),
    flows("flows-1m", "a million UDP flows by 1000 rules of 20 masks", Frames(1000000), 150, cache=2097152, memory_mb=8192,
          buffers=1200000, no_peer="it has 262 144 packet buffers at most, and each frame keeps one"),
    flows("flows-16-tables", "1000 UDP flows by 16 tables, one after the other", Frames(1000), 40, tables=16,
          no_peer="its cache knows no number of tables that is like ours"),
    Scenario("groups", "1000 UDP flows by a select group of eight buckets",
             [FLOOR, Device(flow.Flows.name, flow.Flows, flow.grouped, None, flow.GROUP), Device(flow.Ovs.name, flow.Ovs, flow.grouped, flow.GROUP)],
             floor=IO, frames=Frames(1000)),
    Scenario("meters", "1000 UDP flows by a meter",
             [FLOOR, Device(flow.Flows.name, flow.Flows, flow.metered, None, None, flow.METER),
              Device(flow.Ovs.name, flow.Ovs, flow.metered, None, flow.METER)],
             floor=IO, frames=Frames(1000), targets=[Target(flow.Flows.name, 60)]),
    Scenario("flow-scan", "100 000 UDP flows by 1000 rules of 20 masks: with a cache for them all, and with one for 64",
             [Device("known flows", flow.Flows, functools.partial(flow.rules, 1000, 100000)),
              Device("new flows", flow.Flows, functools.partial(flow.rules, 1000, 100000), 64)],
             floor="known flows", frames=Frames(100000), targets=[Target("new flows", 3, "ratio")]),
    Scenario("vhost", "64-byte frames carried round two vhost-user ports", round_vhost(vhost.Ring), floor=IO,
             targets=[Target(SLUICE, 1.10, "ratio")]),
    Scenario("vhost-latency", "100 000 frames/s of 64 bytes from one guest's driver to the other's", round_vhost(wire.Latency),
             unit=wire.US["p50"]),
    Scenario("idle-ports", "connected vhost-user ports without traffic, and a busy port beside them",
             [Device("%d port%s" % (n, "s" * (n > 1)), idle.IdlePorts, n) for n in (1, 16, 128, 500)], unit=idle.IDLE,
             frames=Frames(1000), targets=[Target("500 ports", 10, "median", idle.IDLE)]),
    Scenario("scale", "two bridges of 1000 flows of 64 bytes each, on one core and on two",
             [Device("1 worker", ours.Workers, 1), Device("2 workers", ours.Workers, 2)], unit=ours.MPPS, floor="1 worker",
             frames=Frames(1000), targets=[Target("2 workers", 1.9, "ratio", ours.MPPS, at_most=False)]),
    Scenario("churn", "1000 flows on a bridge, while %d MACs, ports, bridges and the configuration change without pause" % ours.CHURN_MACS,
             [Device(cls.name, cls) for cls in (ours.Quiet, ours.Churn)], unit=ours.GAP, frames=Frames(1000), waited=1.0,
             targets=[Target(ours.Churn.name, 50, "median", ours.GAP), Target(ours.Churn.name, 0, "median", ours.DROPS)]),
    Scenario("flow-load", "%d flow entries added and deleted while a worker forwards" % flow_load.RULES,
             [Device(cls.name, cls) for cls in (flow_load.OvsLoad, flow_load.Load)], unit=flow_load.RATE,
             floor=flow_load.OvsLoad.name, frames=Frames(1000), waited=1.0,
             targets=[Target(flow_load.Load.name, 1, "ratio", flow_load.RATE, at_most=False)]),
    Scenario("flow-churn", "1000 flows by a flow table, in which %d entries a second come and go" % flow_load.CHURN,
             [Device(cls.name, cls) for cls in (flow_load.Quiet, flow_load.Churn)], unit=ours.GAP, frames=Frames(1000), waited=1.0,
             targets=[Target(flow_load.Churn.name, 50, "median", ours.GAP), Target(flow_load.Churn.name, 0, "median", ours.DROPS)]),
    *[rfc2544(size) for size in (64, 512, 1518)],
    Scenario("pktgen", "64-byte frames made and sent", [Device(ours.Txonly.name, ours.Txonly),
                                                        Device("Sluice pktgen, 1 flow", ours.Pktgen, "rfc2544-64"),
                                                        Device("Sluice pktgen, 1000 flows", ours.Pktgen, "flows-1k")],
             floor=ours.Txonly.name, targets=[Target("Sluice pktgen, 1 flow", 30), Target("Sluice pktgen, 1000 flows", 30)]),
]
