# SPDX-License-Identifier: BSD-3-Clause
"""Two vhost-user ports, and on the other core the front ends of their guests.

The ring is a testpmd that carries 512 packets round for ever: device, ring, device. What is measured is the device's cycles
in the loops in which it had packets, and the rate of the whole ring.
"""
import os
import re
import time

import dut
import figures

PACKETS = 512 # in flight; what its queues of 256 take
FIRST_BURSTS = PACKETS // 2 // 32 # for each port; testpmd's bursts are of 32
GUEST_MAC = "02:00:00:00:00:02" # the generator's frames go there
MPPS = "million packets/s round the ring"


def paths(context):
    return [os.path.join(context.folder, "vhost%d.sock" % i) for i in range(2)]


class TestpmdVhost(dut.Testpmd):
    """testpmd io between the two."""

    def __init__(self, context, client):
        super().__init__(context, tag="vhost", devices=["net_vhost%d,iface=%s,client=%d,queues=1" % (i, path, client)
                                                        for i, path in enumerate(paths(context))])

    def dropped(self):
        text = self.command("show fwd stats all")
        return int(re.search(r"TX-dropped: (\d+)", text[text.rindex("Accumulated"):]).group(1))

    def drain(self):
        """Forwards what is still on the way; (received, sent) since it started."""
        self.command("start")
        last = dut.settled(self.counts)
        self.halt()
        return last


class SluiceVhost(dut.Daemon):
    """A bridge with the two and the guests' addresses in its FDB."""
    name = "Sluice bridge"

    def __init__(self, context, client):
        super().__init__(context)
        self.mode = "client" if client else "server"

    def start(self):
        for path in [] if self.mode == "client" else paths(self.context):
            if os.path.exists(path):
                os.unlink(path)
        self.launch()
        ops = [("bridge.add", {"name": "br0"})]
        for i, path in enumerate(paths(self.context)):
            name = "v%d" % i
            ops += [("port.add", {"name": name, "type": "vhost-user", "path": path, "mode": self.mode}),
                    ("bridge.port_add", {"bridge": "br0", "port": name})]
        # testpmd sends by its port N to 02:00:00:00:00:0N, which is to arrive at the other one.
        for i in range(2):
            ops.append(("fdb.add", {"bridge": "br0", "mac": "02:00:00:00:00:0%d" % i, "port": "v%d" % (1 - i)}))
        ops.append(("fdb.add", {"bridge": "br0", "mac": GUEST_MAC, "port": "v1"}))
        self.txn(*ops)

    def measure(self, seconds):
        return super().measure(seconds, busy=True)

    def dropped(self):
        return self.audit()["drops"]

    def drain(self):
        dut.settled(lambda: self.audit()["rx"])
        audit = self.audit()
        return audit["rx"], audit["tx"]


class Ring:
    """A device with the ring around it."""
    overhead = 3.0

    def __init__(self, context, device):
        self.device = device(context, client=1)
        self.name = self.device.name
        self.sockets = paths(context)
        fronts = ["net_virtio_user%d,path=%s,server=1,queues=1,mac=02:00:00:00:01:0%d" % (i, path, i)
                  for i, path in enumerate(self.sockets)]
        self.ring = dut.Testpmd(context, devices=fronts, tag="ring", cpus=(dut.CONTROL_CPU, dut.CONTROL_CPU))

    def start(self):
        for path in self.sockets:
            if os.path.exists(path):
                os.unlink(path)
        self.ring.launch()
        self.device.start()
        self.ring.wait_prompt()

    def measure(self, seconds):
        self.ring.command("start tx_first %d" % FIRST_BURSTS)
        before, start = self.ring.counts()[0], time.monotonic()
        cycles = self.device.measure(seconds)
        after, end = self.ring.counts()[0], time.monotonic()
        self.close_accounts()
        if after == before:
            raise figures.Ledger("%s: the ring stands still" % self.name)
        return {"cycles per packet": cycles, MPPS: (after - before) / (end - start) / 1e6}

    def close_accounts(self):
        """What one side sent, the other received, since both started. The ring ends first, then the device empties its
        queues, and at last the ring takes what waits in its own."""
        self.ring.halt(generated=PACKETS)
        sent = dut.settled(self.ring.counts)[1]
        device_received, device_sent = self.device.drain()
        figures.close(self.name + ", from the ring", ("sent", sent), {"received by the device": device_received})
        self.ring.mode = "rxonly"
        self.ring.command("set fwd rxonly")
        self.ring.command("start")
        received = dut.settled(self.ring.counts)[0]
        self.ring.command("stop", "Done.")
        figures.close(self.name + ", to the ring", ("sent by the device", device_sent), {"received": received})

    def pids(self):
        return self.device.pids() + self.ring.pids()

    def stop(self):
        self.ring.stop()
        self.device.stop()
