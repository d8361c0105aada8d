# SPDX-License-Identifier: BSD-3-Clause
"""Devices under test: each forwards on one core from a net_pcap that never ends to a net_null, and says what a packet costs.

A device has start(), measure(seconds) and stop(), which is called however far start() came. measure() returns one
figure, or {unit: figure}; it raises figures.Ledger when packets in and out do not add up, for then there is none.
OVS-DPDK is in ovs.py.
"""
import ctypes
import dataclasses
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


class Missing(Exception):
    """What this machine cannot run, and why."""


@dataclasses.dataclass
class Context:
    """What a device is made with."""
    build: str    # the folder with sluiced
    folder: str   # for this scenario's files
    huge: bool    # whether there are hugepages
    pcap: str = None # the frames, if the scenario has some
    macs: tuple = () # where they go to
    buffers: int = 300000 # packet buffers, where there are hugepages for them

    def mbufs(self):
        return self.buffers if self.huge else 40000

    def eal(self):
        return ["--in-memory", "--single-file-segments"] if self.huge else ["--no-huge", "-m", "512"]


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
polite = False # whether devices run at ordinary priority


def ahead_of_others():
    """In a new process: what else runs here is to take no time from it, and it ends when the bench does. A nice value counts
    within the session only, where the kernel groups tasks by sessions; so it is made a session of its own, and that nice."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    if polite:
        return
    os.nice(-20)
    try:
        with open("/proc/self/autogroup", "w") as f:
            f.write("-20")
    except OSError: # a kernel that does not group them
        pass


def spawn(args, **options):
    return subprocess.Popen(args, preexec_fn=ahead_of_others, **options)


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise RuntimeError("%s: not within %g s" % (what, seconds))


def settled(read):
    """What read() returns, once it returns the same twice."""
    last = None

    def same():
        nonlocal last
        before, last = last, read()
        time.sleep(0.02)
        return last == before
    wait_for(same, 10, "counters that stand still")
    return last


def end_process(process, seconds=10):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def vdevs(pcap, pair=0):
    return ["net_pcap%d,rx_pcap=%s,infinite_rx=1" % (2 * pair, pcap), "net_null%d,no-rx=1" % (2 * pair + 1)]


class Testpmd:
    """testpmd in io mode: the floor, moving packets and nothing else."""
    name, overhead = "testpmd io", 1.2

    def __init__(self, context, mode="io", devices=None, tag="bench", cpus=(WORKER_CPU, CONTROL_CPU)):
        self.context, self.mode, self.devices, self.tag, self.cpus = context, mode, devices, tag, cpus
        self.process = None
        if not shutil.which("dpdk-testpmd"):
            raise Missing("package dpdk-dev is not installed")

    def start(self):
        self.launch()
        self.wait_prompt()

    def launch(self):
        worker, control = self.cpus
        # Lcore 1 does the work, lcore 0 the talking.
        args = ["stdbuf", "-o0", "dpdk-testpmd", "--lcores", "0@%d,1@%d" % (control, worker), "--main-lcore", "0", "--no-pci",
                "--file-prefix", self.prefix()] + self.context.eal()
        for device in self.devices or vdevs(self.context.pcap):
            args += ["--vdev", device]
        args += ["--", "-i", "--nb-cores=1", "--no-flush-rx", "--forward-mode=" + self.mode, "--record-core-cycles",
                 "--total-num-mbufs=%d" % self.context.mbufs()]
        self.process = spawn(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def prefix(self):
        return "%s-testpmd-%d" % (self.tag, os.getpid())

    def wait_prompt(self):
        self.command("", "testpmd> ")

    def command(self, line, until="testpmd> ", seconds=30):
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

    def halt(self, generated=0):
        """Ends the forwarding; returns what testpmd says of it, its accounts closed. generated: what it sent of its own."""
        text = self.command("stop", "Done.")
        total = text[text.rindex("Accumulated forward statistics"):]
        rx = int(re.search(r"RX-packets: (\d+)", total).group(1))
        tx, dropped = map(int, re.search(r"TX-packets: (\d+)\s+TX-dropped: (\d+)", total).groups())
        if self.mode != "txonly":
            figures.close("testpmd", ("received and generated", rx + generated), {"sent": tx, "dropped": dropped})
        return text

    def measure(self, seconds):
        self.command("start") # counts from here
        time.sleep(seconds)
        return float(re.search(r"CPU cycles/packet=([\d.]+)", self.halt()).group(1))

    def counts(self):
        """(received, sent) by all ports since it started."""
        text = self.command("show port stats all")
        return tuple(sum(map(int, re.findall(r"%s-packets: (\d+)" % d, text))) for d in ("RX", "TX"))

    def pids(self):
        """Whose busiest threads are to have their CPUs for themselves."""
        return [self.process.pid]

    def stop(self):
        end_process(self.process)
        shutil.rmtree("/var/run/dpdk/" + self.prefix(), ignore_errors=True)


class Daemon:
    """sluiced, and a connection to it."""
    tsc_hz = None # of the machine, known once a daemon ran
    overhead = 1.2

    def __init__(self, context, workers=str(WORKER_CPU), control=str(CONTROL_CPU), isa=None):
        self.context, self.binary = context, os.path.join(context.build, "sluiced")
        self.options = ["--worker-cpus", workers, "--control-cpus", control, "--idle", "poll", "--mbufs", str(context.mbufs())]
        self.options += ["--isa", isa] if isa else []
        self.options += [] if context.huge else ["--no-huge"]
        self.folder = self.process = None
        if not os.access(self.binary, os.X_OK):
            raise Missing("%s is not built" % self.binary)

    def launch(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-bench-")
        path, log = os.path.join(self.folder, "s"), os.path.join(self.folder, "log")
        with open(log, "w") as out:
            self.process = spawn([self.binary, "--socket", path, "--no-state"] + self.options, stdout=out, stderr=out)

        def connect():
            if self.process.poll() is not None:
                raise RuntimeError("sluiced ended: " + open(log).read()[-2000:])
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(path)
            except OSError:
                s.close()
                return None
            return s
        self.stream = wait_for(connect, 60, "the socket of sluiced").makefile("rwb")
        Daemon.tsc_hz = self.call("system.info")["tsc_hz"]

    def call(self, method, **params):
        self.stream.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        self.stream.flush()
        answer = json.loads(self.stream.readline())
        if "error" in answer:
            raise RuntimeError("%s: %s" % (method, answer["error"]))
        return answer["result"]

    def txn(self, *ops):
        """Each op a method followed by its parameters: ("bridge.add", {"name": "br0"})."""
        self.call("txn", ops=[{"method": method, "params": params} for method, params in ops])

    def measure(self, seconds, busy=False):
        """Cycles per packet sent: of all cycles, or of those in loops that had packets."""
        before, after = self.sample(seconds)
        self.audit()
        packets = after["sent"] - before["sent"]
        if not packets:
            raise figures.Ledger("sluiced forwarded nothing")
        kinds = ["busy_cycles"] if busy else ["busy_cycles", "idle_cycles"]
        return sum(after[k] - before[k] for k in kinds) / packets

    def audit(self):
        audit = self.call("stats.audit")
        if not audit["ok"]:
            raise figures.Ledger("sluiced: " + json.dumps(audit))
        return audit

    def sample(self, seconds):
        """The first worker's counters and the packets that all sent, each of one snapshot, before and after some seconds."""
        samples = []
        for wait in (0, seconds):
            time.sleep(wait)
            stats = self.call("stats.get")
            samples.append(dict(stats["workers"][0], sent=sum(p["tx_packets"] for p in stats["ports"])))
        return samples

    def pids(self):
        """Whose busiest threads are to have their CPUs for themselves."""
        return [self.process.pid]

    def stop(self):
        end_process(self.process)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def bridge_pair(context, pair=0):
    """The ops of a bridge with a pcap and a null port, the destinations in the FDB."""
    name, ports = "br%d" % pair, ["in%d" % pair, "out%d" % pair]
    ops = [("bridge.add", {"name": name})]
    for port, devargs in zip(ports, vdevs(context.pcap, pair)):
        ops += [("port.add", {"name": port, "type": "dpdk", "devargs": devargs}), ("bridge.port_add", {"bridge": name, "port": port})]
    return ops + [("fdb.add", {"bridge": name, "mac": m, "port": ports[1]}) for m in context.macs]


class Sluice(Daemon):
    """Ourselves: two ports on a bridge, the destinations in the FDB, sources learned."""
    name = "Sluice bridge"

    def start(self):
        self.launch()
        self.txn(*bridge_pair(self.context))
        self.wait_learned(len(self.context.macs))

    def wait_learned(self, macs):
        """The sources are learned in some milliseconds to a second; measure what lasts."""
        wait_for(lambda: all(b["macs"] >= macs for b in self.call("bridge.list")), 30, "learning")


class SluiceIo(Daemon):
    """Ourselves in testpmd's place: mode io."""
    name = "Sluice io"

    def start(self):
        self.launch()
        for name, devargs in zip(["in", "out"], vdevs(self.context.pcap)):
            self.call("port.add", name=name, type="dpdk", devargs=devargs)
        self.call("fwd.set", mode="io")
