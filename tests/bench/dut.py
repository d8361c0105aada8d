# SPDX-License-Identifier: BSD-3-Clause
"""Devices under test: each forwards from a net_pcap that never ends to a net_null, on one core, and says what a packet costs.

A device is started with a pcap file, measured for a while, and stopped. measure() returns cycles per packet; it raises
Ledger when packets in and out do not add up, for then there is no figure.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import figures

WORKER_CPU, CONTROL_CPU = 0, 1
MBUFS = 300000


class Missing(Exception):
    """A device that this machine cannot run, and why."""


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise RuntimeError("%s: not within %g s" % (what, seconds))


def end_process(process, seconds=10):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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


def vdevs(pcap):
    return ["net_pcap0,rx_pcap=%s,infinite_rx=1" % pcap, "net_null1,no-rx=1"]


class Testpmd:
    """testpmd in io mode: the floor, moving packets and nothing else."""
    name = "testpmd io"

    def __init__(self, mode="io", devices=None, tag="bench", cpus=(WORKER_CPU, CONTROL_CPU)):
        self.mode, self.devices, self.tag, self.cpus = mode, devices, tag, cpus
        if not shutil.which("dpdk-testpmd"):
            raise Missing("package dpdk-dev is not installed")

    def start(self, pcap, macs):
        self.launch(pcap)
        self.wait_prompt()

    def launch(self, pcap=None):
        worker, control = self.cpus
        # Lcore 1 does the work, lcore 0 the talking.
        args = ["stdbuf", "-o0", "dpdk-testpmd", "--lcores", "0@%d,1@%d" % (control, worker), "--main-lcore", "0", "--no-pci",
                "--in-memory", "--single-file-segments", "--file-prefix", "%s-testpmd" % self.tag]
        for device in self.devices or vdevs(pcap):
            args += ["--vdev", device]
        args += ["--", "-i", "--nb-cores=1", "--no-flush-rx", "--forward-mode=" + self.mode, "--record-core-cycles",
                 "--total-num-mbufs=%d" % MBUFS]
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def wait_prompt(self):
        self.command("", "testpmd> ")

    def command(self, line, until, seconds=30):
        """Sends a line and returns what is printed until a text appears."""
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()
        seen = ""

        def arrived():
            nonlocal seen
            seen += (self.process.stdout.read() or b"").decode(errors="replace")
            if self.process.poll() is not None:
                raise RuntimeError("testpmd ended: " + seen[-500:])
            return until in seen
        wait_for(arrived, seconds, "testpmd after '%s'" % line)
        return seen

    def measure(self, seconds):
        self.command("start", "testpmd> ") # counts from here
        time.sleep(seconds)
        text = self.command("stop", "Done.")
        total = text[text.rindex("Accumulated forward statistics"):]
        rx = int(re.search(r"RX-packets: (\d+)", total).group(1))
        tx, dropped = map(int, re.search(r"TX-packets: (\d+)\s+TX-dropped: (\d+)", total).groups())
        figures.close("testpmd", ("received", rx), {"sent": tx, "dropped": dropped})
        return float(re.search(r"CPU cycles/packet=([\d.]+)", text).group(1))

    def stop(self):
        end_process(self.process)


class Sluice:
    """Ourselves: two ports on a bridge, the destinations in the FDB, sources learned."""
    name = "Sluice bridge"
    tsc_hz = None # of the machine, known once a daemon ran

    def __init__(self, build="build", isa=None):
        self.binary, self.isa = os.path.join(build, "sluiced"), isa
        if not os.access(self.binary, os.X_OK):
            raise Missing("%s is not built" % self.binary)

    def start_daemon(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-bench-")
        path = os.path.join(self.folder, "s")
        args = [self.binary, "--socket", path, "--no-state", "--worker-cpus", str(WORKER_CPU), "--control-cpus",
                str(CONTROL_CPU), "--idle", "poll", "--mbufs", str(MBUFS)]
        with open(os.path.join(self.folder, "log"), "w") as log:
            self.process = subprocess.Popen(args + (["--isa", self.isa] if self.isa else []), stdout=log, stderr=log)

        def connect():
            if self.process.poll() is not None:
                raise RuntimeError("sluiced ended: " + open(os.path.join(self.folder, "log")).read()[-2000:])
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(path)
            except OSError:
                s.close()
                return None
            return s
        self.stream = wait_for(connect, 60, "the socket of sluiced").makefile("rwb")
        Sluice.tsc_hz = self.call("system.info")["tsc_hz"]

    def call(self, method, **params):
        self.stream.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        self.stream.flush()
        answer = json.loads(self.stream.readline())
        if "error" in answer:
            raise RuntimeError("%s: %s" % (method, answer["error"]))
        return answer["result"]

    def start(self, pcap, macs):
        self.start_daemon()
        ops = [{"method": "bridge.add", "params": {"name": "br0"}}]
        for name, devargs in zip(["in", "out"], vdevs(pcap)):
            ops.append({"method": "port.add", "params": {"name": name, "type": "dpdk", "devargs": devargs}})
            ops.append({"method": "bridge.port_add", "params": {"bridge": "br0", "port": name}})
        for m in macs:
            ops.append({"method": "fdb.add", "params": {"bridge": "br0", "mac": m, "port": "out"}})
        self.call("txn", ops=ops)
        # The sources are learned in some milliseconds to a second; measure what lasts.
        wait_for(lambda: self.call("bridge.list")[0]["macs"] >= len(macs), 30, "learning")

    def measure(self, seconds, busy=False):
        """Of all cycles, or of those in loops that had packets."""
        before, after = self.sample(seconds)
        audit = self.call("stats.audit")
        if not audit["ok"]:
            raise figures.Ledger("sluiced: " + json.dumps(audit))
        packets = after["sent"] - before["sent"]
        if not packets:
            raise figures.Ledger("sluiced forwarded nothing")
        kinds = ["busy_cycles"] if busy else ["busy_cycles", "idle_cycles"]
        return sum(after[k] - before[k] for k in kinds) / packets

    def sample(self, seconds):
        """The worker's counters and the packets it sent, each of one snapshot, before and after some seconds."""
        samples = []
        for wait in (0, seconds):
            time.sleep(wait)
            stats = self.call("stats.get")
            samples.append(dict(stats["workers"][0], sent=sum(p["tx_packets"] for p in stats["ports"])))
        return samples

    def stop(self):
        end_process(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class SluiceIo(Sluice):
    """Ourselves in testpmd's place: mode io."""
    name = "Sluice io"

    def start(self, pcap, macs):
        self.start_daemon()
        for name, devargs in zip(["in", "out"], vdevs(pcap)):
            self.call("port.add", name=name, type="dpdk", devargs=devargs)
        self.call("fwd.set", mode="io")


class Ovs:
    """OVS-DPDK: one bridge, action NORMAL, the destinations in its FDB."""
    name = "OVS-DPDK NORMAL"

    def __init__(self):
        self.vswitchd = next((p for p in ("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk", "/usr/sbin/ovs-vswitchd")
                              if os.access(p, os.X_OK)), None)
        if not self.vswitchd:
            raise Missing("package openvswitch-switch-dpdk is not installed")

    def run(self, *args):
        done = subprocess.run(args, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)
        if done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(args), done.stdout))
        return done.stdout

    def start(self, pcap, macs):
        self.folder = tempfile.mkdtemp(prefix="ovs-bench-")
        self.env = dict(os.environ, OVS_RUNDIR=self.folder, OVS_LOGDIR=self.folder, OVS_DBDIR=self.folder)
        db = "unix:%s/db.sock" % self.folder
        self.run("ovsdb-tool", "create", self.folder + "/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.db = subprocess.Popen(["ovsdb-server", self.folder + "/conf.db", "--remote=p" + db], env=self.env,
                                   stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.folder + "/db.sock"), 10, "ovsdb-server")
        self.vsctl = ["ovs-vsctl", "--db=" + db, "--timeout=60"]
        self.run(*self.vsctl, "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                 "other_config:pmd-cpu-mask=%#x" % (1 << WORKER_CPU), "other_config:dpdk-lcore-mask=%#x" % (1 << CONTROL_CPU),
                 "other_config:dpdk-extra=--no-pci --in-memory --file-prefix ovs-bench", "other_config:dpdk-socket-mem=1024")
        self.process = subprocess.Popen([self.vswitchd, db, "--log-file=%s/log" % self.folder,
                                         "--unixctl=" + self.target()], env=self.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.run(*self.vsctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                 "other_config:mac-table-size=1000000")
        for name, devargs in zip(["in", "out"], vdevs(pcap)):
            self.run(*self.vsctl, "add-port", "br0", name, "--", "set", "Interface", name, "type=dpdk",
                     "options:dpdk-devargs=" + devargs)
        self.teach(macs)

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

    def measure(self, seconds):
        time.sleep(1)  # its caches fill in the first second
        self.run("ovs-appctl", "-t", self.target(), "dpif-netdev/pmd-perf-show")
        self.run("ovs-appctl", "-t", self.target(), "dpif-netdev/pmd-stats-clear")
        time.sleep(seconds)
        text = self.run("ovs-appctl", "-t", self.target(), "dpif-netdev/pmd-perf-show")
        return float(re.search(r"Rx packets:.*\((?:[\d.]+ Kpps, )?([\d.]+) cycles/pkt\)", text).group(1))

    def stop(self):
        end_process(self.process)
        end_process(self.db)
        shutil.rmtree(self.folder, ignore_errors=True)
