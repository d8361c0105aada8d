# SPDX-License-Identifier: BSD-3-Clause
"""Two vhost-user ports, and on the other core a testpmd with their front ends that keeps packets going round.

The generator owns both sockets; a device under test connects to them, so each round starts both anew. Packets are put
in once and then carried round for ever: device, generator, device. What is measured is the device's cycles in the loops
in which it had packets, and the rate of the whole ring.
"""
import os
import re
import time

import dut
import figures

PACKETS = 1024  # in flight
FIRST_BURSTS = PACKETS // 2 // 32  # for each port; testpmd's bursts are of 32


class Ring(dut.Testpmd):
    """testpmd, io mode, on two virtio-user devices that listen."""

    def __init__(self, folder):
        self.sockets = [os.path.join(folder, "vhost%d.sock" % i) for i in range(2)]
        devices = ["net_virtio_user%d,path=%s,server=1,queues=1,mac=02:00:00:00:01:0%d" % (i, path, i)
                   for i, path in enumerate(self.sockets)]
        super().__init__(devices=devices, tag="ring", cpus=(dut.CONTROL_CPU, dut.CONTROL_CPU))
        for path in self.sockets:
            if os.path.exists(path):
                os.unlink(path)

    def go(self):
        self.command("start tx_first %d" % FIRST_BURSTS, "testpmd> ")

    def packets(self):
        """Packets received from the device so far."""
        text = self.command("show port stats all", "testpmd> ")
        return sum(map(int, re.findall(r"RX-packets: (\d+)", text)))


class Vhost:
    """What the two devices share: the ring around them."""

    def start(self, folder):
        self.ring = Ring(folder)
        self.ring.launch()
        self.connect(self.ring.sockets)
        self.ring.wait_prompt()

    def measure(self, seconds):
        self.ring.go()
        before, start = self.ring.packets(), time.monotonic()
        cycles = self.cycles(seconds)
        after, end = self.ring.packets(), time.monotonic()
        if after == before:
            raise figures.Ledger("%s: the ring stands still" % self.name)
        self.rate = (after - before) / (end - start)
        return cycles

    def stop(self):
        self.ring.stop()
        self.device.stop()


class TestpmdVhost(Vhost):
    name = "testpmd io"

    def __init__(self):
        self.device = dut.Testpmd(tag="vhost")

    def connect(self, sockets):
        self.device.devices = ["net_vhost%d,iface=%s,client=1,queues=1" % (i, s) for i, s in enumerate(sockets)]
        self.device.start(None, [])

    def cycles(self, seconds):
        return self.device.measure(seconds)


class SluiceVhost(Vhost):
    name = "Sluice bridge"

    def __init__(self, build):
        self.device = dut.Sluice(build)

    def connect(self, sockets):
        self.device.start_daemon()
        ops = [{"method": "bridge.add", "params": {"name": "br0"}}]
        for i, path in enumerate(sockets):
            name = "v%d" % i
            ops.append({"method": "port.add", "params": {"name": name, "type": "vhost-user", "path": path}})
            ops.append({"method": "bridge.port_add", "params": {"bridge": "br0", "port": name}})
        # testpmd sends by its port N to 02:00:00:00:00:0N, which is to arrive at the other one.
        for i in range(2):
            ops.append({"method": "fdb.add", "params": {"bridge": "br0", "mac": "02:00:00:00:00:0%d" % i, "port": "v%d" % (1 - i)}})
        self.device.call("txn", ops=ops)

    def cycles(self, seconds):
        return self.device.measure(seconds, busy=True)
