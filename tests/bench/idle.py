# SPDX-License-Identifier: BSD-3-Clause
"""What a guest with nothing to say costs the worker that polls it."""
import os
import subprocess

import dut
import figures


class IdlePorts(dut.Sluice):
    """N vhost-user ports, all connected, none with traffic: nanoseconds of a loop for each of them."""

    def __init__(self, build, ports):
        super().__init__(build)
        self.ports, self.build = ports, build
        self.guests = None

    def start(self, folder):
        self.start_daemon()
        # One region of memory and one pair of rings for each: real front ends, but no QEMU.
        self.guests = subprocess.Popen([os.path.join(self.build, "tests/bench/idle_guests"), folder, str(self.ports)],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.expect("listening")
        self.call("txn", ops=[{"method": "port.add", "params": {"name": "v%d" % i, "type": "vhost-user",
                                                                "path": "%s/%d.sock" % (folder, i)}}
                              for i in range(self.ports)])
        self.expect("ready")
        dut.wait_for(lambda: all(p["link"] == "up" for p in self.call("port.list")), 60, "all links up")

    def expect(self, word):
        line = self.guests.stdout.readline().strip()
        if line != word:
            raise RuntimeError("idle_guests said '%s' instead of '%s'" % (line, word))

    def measure(self, seconds):
        before, after = self.sample(seconds)
        cycles = after["idle_cycles"] - before["idle_cycles"]
        loops = after["loops"] - before["loops"]
        if after["busy_cycles"] != before["busy_cycles"] or not loops:
            raise figures.Ledger("sluiced was not idle")
        return cycles / loops / self.ports * 1e9 / self.call("system.info")["tsc_hz"]

    def stop(self):
        if self.guests:
            self.guests.stdin.close()
            self.guests.wait()
        super().stop()
