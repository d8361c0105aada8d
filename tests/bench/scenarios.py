# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: frames, devices and targets of each scenario."""
import functools
import os

import dut
import idle
import traffic
import vhost

CYCLES = "cycles per packet"


def device(cls, *args, label=None):
    make = functools.partial(cls, *args)
    make.label = label or cls.name
    return make


class OneWay:
    """Frames of one port to another; testpmd io is the floor."""
    floor, unit, compared = dut.Testpmd.name, CYCLES, True
    ours, peers = dut.Sluice, ()

    def __init__(self, name, text, flows, macs, target, left_out=None):
        """left_out: {peer: why it is not measured here}"""
        self.name, self.text, self.flows, self.macs, self.target = name, text, flows, macs, target
        self.left_out = left_out or {}

    def prepare(self, folder):
        pcap = os.path.join(folder, self.name + ".pcap")
        return pcap, traffic.write_pcap(pcap, self.flows, macs=self.macs)

    def devices(self, build, setup):
        return [device(dut.Testpmd), device(self.ours, build)] + [device(peer) for peer in self.peers if peer.name not in self.left_out]

    def missed(self, rows):
        above = rows[self.ours.name]["above"]
        return [] if above <= self.target else ["%s: %+.1f cycles above io, at most %+d" % (self.name, above, self.target)]


class Io(OneWay):
    """Through our own io mode."""
    ours = dut.SluiceIo


class Bridge(OneWay):
    """Through a bridge."""
    peers = (dut.Ovs,)


class VhostPorts:
    """One vhost-user port to the other and back; testpmd io over the same two is the floor."""
    floor, unit, compared = vhost.TestpmdVhost.name, CYCLES, True
    name, text = "vhost", "64-byte frames carried round two vhost-user ports"
    target = 1.10

    def prepare(self, folder):
        return (folder,)

    def devices(self, build, setup):
        return [device(vhost.TestpmdVhost), device(vhost.SluiceVhost, build)]

    def missed(self, rows):
        ratio = rows[vhost.SluiceVhost.name]["ratio"]
        return [] if ratio <= self.target else ["%s: %.2f times io, at most %.2f" % (self.name, ratio, self.target)]


class IdlePorts:
    """The worker's loop over N connected guests that are silent, for each of them."""
    name, text, unit = "idle-ports", "connected vhost-user ports without traffic", "ns per idle poll"
    counts = (1, 16, 128, 500)
    compared = False
    target = 10

    def prepare(self, folder):
        return (folder,)

    def devices(self, build, setup):
        return [device(idle.IdlePorts, build, n, label="%d port%s" % (n, "s" * (n > 1))) for n in self.counts]

    def missed(self, rows):
        got = rows["500 ports"]["median"]
        return [] if got <= self.target else ["%s: %.1f ns with 500 ports, at most %d" % (self.name, got, self.target)]


ALL = [
    Io("io-1k", "1000 UDP flows of 64 bytes, forwarded unseen", 1000, 1, 4),
    Io("io-100k", "100 000 UDP flows of 64 bytes, forwarded unseen", 100000, 1, 6),
    Bridge("bridge-1k", "1000 UDP flows of 64 bytes between two hosts", 1000, 1, 20),
    Bridge("bridge-100k", "100 000 UDP flows of 64 bytes between two hosts", 100000, 1, 35),
    Bridge("bridge-1k-macs", "1000 flows, each of its own source and destination MAC", 1000, 1000, 20),
    Bridge("bridge-100k-macs", "100 000 flows, each of its own source and destination MAC", 100000, 100000, 35,
           {dut.Ovs.name: "to teach it 100 000 addresses by fdb/add takes it two minutes"}),
    VhostPorts(),
    IdlePorts(),
]
