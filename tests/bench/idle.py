# SPDX-License-Identifier: BSD-3-Clause
"""What guests with nothing to say cost: the worker that polls them, and a port that is busy beside them."""
import os
import subprocess

import dut
import figures

IDLE, BUSY = "ns per idle poll", "cycles per packet of a busy port beside them"


class IdlePorts(dut.Daemon):
    """N vhost-user ports, all connected, none with traffic: nanoseconds of a loop for each of them. Then a bridge with a
    port that always has packets comes to them."""
    overhead = 2.5

    def __init__(self, context, ports):
        super().__init__(context)
        self.ports = ports
        self.guests = None

    def start(self):
        self.launch()
        # One region of memory and one pair of rings for each: real front ends, but no QEMU.
        folder = self.context.folder
        self.guests = subprocess.Popen([os.path.join(self.context.build, "tests/bench/idle_guests"), folder, str(self.ports)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("listening")
        self.txn(*[("port.add", {"name": "v%d" % i, "type": "vhost-user", "path": "%s/%d.sock" % (folder, i)})
                   for i in range(self.ports)])
        self.expect("ready")
        dut.wait_for(lambda: all(p["link"] == "up" for p in self.call("port.list")), 60, "all links up")

    def expect(self, word):
        line = self.guests.stdout.readline().strip()
        if line != word:
            raise RuntimeError("idle_guests said '%s' instead of '%s'" % (line, word))

    def measure(self, seconds):
        before, after = self.sample(seconds / 2)
        cycles = after["idle_cycles"] - before["idle_cycles"]
        loops = after["loops"] - before["loops"]
        if after["busy_cycles"] != before["busy_cycles"] or not loops:
            raise figures.Ledger("sluiced was not idle")
        self.txn(*dut.bridge_pair(self.context))
        dut.wait_for(lambda: self.call("bridge.list")[0]["macs"] >= len(self.context.macs), 30, "learning")
        return {IDLE: cycles / loops / self.ports * 1e9 / self.tsc_hz, BUSY: super().measure(seconds / 2)}

    def stop(self):
        if self.guests:
            self.guests.stdin.close()
            self.guests.wait()
        super().stop()
