# SPDX-License-Identifier: BSD-3-Clause
"""OVS-DPDK as a device under test."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import dut
import figures

PROGRAMS = ("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk", "/usr/sbin/ovs-vswitchd")


class JsonTexts:
    """JSON texts that arrive on a socket one behind the other, with or without blanks between them."""

    def __init__(self, stream):
        self.stream, self.text, self.decoder = stream, "", json.JSONDecoder()

    def next(self):
        while True:
            self.text = self.text.lstrip()
            try:
                value, end = self.decoder.raw_decode(self.text)
            except ValueError:
                more = self.stream.recv(65536)
                if not more:
                    raise RuntimeError("the connection ended")
                self.text += more.decode()
                continue
            self.text = self.text[end:]
            return value


class Ovs:
    """One bridge, action NORMAL, the destinations in its FDB."""
    name, overhead = "OVS-DPDK NORMAL", 4.5

    def __init__(self, context):
        self.context = context
        self.process = self.db = self.folder = None
        self.vswitchd = next((p for p in PROGRAMS if os.access(p, os.X_OK)), None)
        if not self.vswitchd:
            raise dut.Missing("package openvswitch-switch-dpdk is not installed")
        if not context.huge:
            raise dut.Missing("it does not run without hugepages")

    def run(self, *args):
        done = subprocess.run(args, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
        if done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(args), done.stdout))
        return done.stdout

    def appctl(self, *args):
        return self.run("ovs-appctl", "-t", self.target(), *args)

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="ovs-bench-")
        self.env = dict(os.environ, OVS_RUNDIR=self.folder, OVS_LOGDIR=self.folder, OVS_DBDIR=self.folder)
        db = "unix:%s/db.sock" % self.folder
        self.run("ovsdb-tool", "create", self.folder + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.db = dut.spawn(["ovsdb-server", self.folder + "/conf.db", "--remote=p" + db], env=self.env,
                            stderr=subprocess.DEVNULL)
        dut.wait_for(lambda: os.path.exists(self.folder + "/db.sock"), 10, "ovsdb-server")
        self.vsctl = ["ovs-vsctl", "--db=" + db, "--timeout=60"]
        self.run(*self.vsctl, "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                 "other_config:pmd-cpu-mask=%#x" % (1 << dut.WORKER_CPU), "other_config:dpdk-lcore-mask=%#x" % (1 << dut.CONTROL_CPU),
                 "other_config:dpdk-extra=--no-pci --in-memory --file-prefix ovs-bench-%d" % os.getpid(),
                 "other_config:dpdk-socket-mem=1024")
        # In a network namespace of its own: one that runs on this host has taken the names of its interfaces.
        self.process = dut.spawn(["unshare", "--net", self.vswitchd, db, "--log-file=%s/log" % self.folder, "--unixctl=" + self.target()],
                                 env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.run(*self.vsctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                 "other_config:mac-table-size=1000000")
        self.program()
        for name, devargs in zip(["in", "out"], dut.vdevs(self.context.pcap)):
            self.run(*self.vsctl, "add-port", "br0", name, "--", "set", "Interface", name, "type=dpdk",
                     "options:dpdk-devargs=" + devargs)
        self.teach(self.context.macs)

    def program(self):
        """What a device with rules of its own puts into the bridge, before the packets come."""

    def teach(self, macs):
        """fdb/add for each, over one connection: a process each, as ovs-appctl is, would take minutes for 100 000."""
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
            s.settimeout(60)
            s.connect(self.target())
            answers = JsonTexts(s)
            for first in range(0, len(macs), 100):
                some = macs[first:first + 100]
                s.sendall("".join(json.dumps({"method": "fdb/add", "params": ["br0", "out", "0", m], "id": i})
                                  for i, m in enumerate(some)).encode())
                for _ in some:
                    error = answers.next()["error"]
                    if error:
                        raise RuntimeError("fdb/add: %s" % error)

    def target(self):
        return os.path.join(self.folder, "ctl")

    def perf(self):
        return self.appctl("dpif-netdev/pmd-perf-show")

    def measure(self, seconds):
        time.sleep(1)  # its caches fill in the first second
        self.perf()
        self.appctl("dpif-netdev/pmd-stats-clear")
        time.sleep(seconds)
        cycles = float(re.search(r"Rx packets:.*\((?:[\d.]+ Kpps, )?([\d.]+) cycles/pkt\)", self.perf()).group(1))
        self.close_accounts()
        return cycles

    def counts(self):
        """Packets that its thread received, lost and sent since the counters were cleared."""
        return [int(re.search(r"%s:\s+(\d+)" % what, self.perf()).group(1)) for what in ("Rx packets", "Lost upcalls", "Tx packets")]

    def close_accounts(self):
        """Of all since the counters were cleared, once nothing more comes in: its counters are no snapshot while it runs."""
        self.run("ovs-ofctl", "mod-port", os.path.join(self.folder, "br0.mgmt"), "in", "down")
        received, lost, sent = dut.settled(self.counts)
        figures.close("OVS-DPDK", ("received", received), {"sent": sent, "lost upcalls": lost})

    def pids(self):
        """Whose busiest threads are to have their CPUs for themselves."""
        return [self.process.pid]

    def stop(self):
        dut.end_process(self.process)
        dut.end_process(self.db)
        shutil.rmtree("/var/run/dpdk/ovs-bench-%d" % os.getpid(), ignore_errors=True)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
