#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The real ovs-ofctl, and peers that misbehave, against a model switch: test_openflow.py OF_MODEL_SWITCH"""
import contextlib
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

MODEL = sys.argv.pop(1)
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, BARRIER_REQUEST = 0, 1, 2, 3, 20


class Switch:
    """A model switch in a process of its own."""

    def __init__(self, *args):
        # A sanitizer keeps up to 256 MiB of what was freed, which would count as memory that a flood holds.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        self.process = subprocess.Popen([MODEL, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | {"ASAN_OPTIONS": options})
        words = self.process.stdout.readline().split()
        if words[-1:] != ["ready"]:
            raise RuntimeError("the model switch did not start")
        self.ports = [int(word) for word in words[:-1]]

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=10)


def message(kind, body=b"", xid=1, version=4):
    return struct.pack("!BBHI", version, kind, 8 + len(body), xid) + body


def receive(sock):
    """(type, xid, body) of the next message, or None at the end."""
    def exactly(n):
        data = b""
        while len(data) < n:
            more = sock.recv(n - len(data))
            if not more:
                return None
            data += more
        return data
    head = exactly(8)
    if head is None:
        return None
    _, kind, length, xid = struct.unpack("!BBHI", head)
    return kind, xid, exactly(length - 8)


class OvsOfctl(unittest.TestCase):
    """What an operator types, compared with what is printed."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.target = f"unix:{cls.folder.name}/mgmt"
        cls.switch = Switch("p" + cls.target)

    @classmethod
    def tearDownClass(cls):
        assert cls.switch.stop() == 0
        cls.folder.cleanup()

    def setUp(self):
        self.ofctl("del-flows")
        self.ofctl("del-groups")
        self.ofctl("del-meters")

    def ofctl(self, command, *args, options=(), fails=False, text=None):
        run = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "-t", "10", *options, command, self.target, *args],
                             input=text, capture_output=True, text=True)
        self.assertEqual(run.returncode != 0, fails, run.stdout + run.stderr)
        return run.stderr if fails else run.stdout

    def lines(self, n):
        """The texts of what was added, as the switch writes them."""
        return [self.switch.process.stdout.readline().strip() for _ in range(n)]

    def dump(self, *args):
        lines = self.ofctl("dump-flows", *args, options=("--no-stats", "--no-names")).splitlines()
        return sorted(line.strip() for line in lines if "reply" not in line)

    def test_flows_come_back_as_they_were_added(self):
        flows = [
            "priority=100,ip,nw_dst=10.0.0.0/8 actions=dec_ttl,output:2",
            "cookie=0x1234, idle_timeout=10, hard_timeout=20, send_flow_rem priority=1,dl_vlan=5 actions=pop_vlan,output:1",
            "table=1, priority=7,in_port=1,vlan_tci=0x1000/0x1000 actions=set_field:4102->vlan_vid,IN_PORT",
            "table=1, check_overlap reset_counts no_packet_counts no_byte_counts priority=8 actions=drop",
            "table=2, priority=9,tcp,tp_dst=80 actions=set_field:10.0.0.1->ip_dst,set_field:8080->tcp_dst,ALL",
            "table=2, priority=10,udp6,ipv6_src=2001:db8::/32,tp_src=53 actions=set_nw_ttl:64,FLOOD,LOCAL",
            "table=2, priority=11,sctp,tp_dst=7 actions=NORMAL",
            "table=2, priority=12,icmp,icmp_type=8,icmp_code=0 actions=CONTROLLER:128",
            "table=2, priority=13,icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:01 actions=drop",
            "table=2, priority=14,arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_op=1,arp_sha=02:00:00:00:00:01 actions=CONTROLLER:65535",
            "table=3, priority=15,mpls,mpls_label=16,mpls_tc=3,mpls_bos=1 actions=dec_mpls_ttl,pop_mpls:0x0800,output:1",
            "table=3, priority=16,metadata=0x5/0xf,tun_id=0x7 actions=push_mpls:0x8847,set_field:18->mpls_label,output:1",
            "table=3, priority=17,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=push_vlan:0x8100,set_queue:3,output:3",
            "table=3, priority=18,ipv6,ipv6_label=0x12345/0xfffff actions=write_actions(set_field:1->ip_dscp,output:2),goto_table:4",
            "table=4, priority=19 actions=meter:1,group:1,clear_actions,write_actions(output:1),write_metadata:0x1/0xff,goto_table:5",
            "table=4, priority=20,ip,ip_dscp=46,nw_ecn=2 actions=set_field:0x3->nw_ecn,set_field:02:00:00:00:00:09->eth_src,output:1",
        ]
        self.ofctl("add-group", "group_id=1,type=all,bucket=output:1")
        self.ofctl("add-meter", "meter=1,pktps,band=type=drop,rate=100")
        self.lines(2)
        for flow in flows:
            with self.subTest(flow):
                self.ofctl("del-flows")
                self.ofctl("add-flow", flow)
                seen = self.dump()
                self.assertEqual(len(seen), 1)
                # ovs-ofctl's own reading of what was typed, of what came back, and of the text that we make of it.
                self.assertEqual(self.normal(seen[0]), self.normal(flow))
                text, = self.lines(1)
                self.assertEqual(self.normal(text), self.normal(flow))
                # And we read what was typed as what ovs-ofctl sent.
                self.assertEqual(self.filter("flow", flow), text)

    def filter(self, kind, text):
        return subprocess.run([MODEL, "--text", kind], input=text, capture_output=True, text=True, check=True).stdout.strip()

    def normal(self, flow):
        run = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "parse-flows", "-"], input=flow, capture_output=True,
                             text=True, check=True)
        # A priority that was not given is this.
        return [line.replace(" priority:32768", "") for line in run.stdout.splitlines() if "OFPT_FLOW_MOD" in line]

    def test_mod_and_del_take_what_they_match(self):
        for i in range(10):
            self.ofctl("add-flow", f"table={i % 2},priority={i},ip,nw_dst=10.0.0.{i},actions=output:1")
        self.assertEqual(self.lines(10)[3], "table=1,priority=3,ip,nw_dst=10.0.0.3,actions=output:1")
        self.ofctl("mod-flows", "table=0,ip,actions=output:2")
        self.assertEqual(sum("output:2" in flow for flow in self.dump()), 5)
        self.ofctl("mod-flows", "table=1,priority=3,ip,nw_dst=10.0.0.3,actions=drop", options=("--strict",))
        self.assertEqual(sum("actions=drop" in flow for flow in self.dump()), 1)
        self.ofctl("del-flows", "ip,nw_dst=10.0.0.0/29")
        self.assertEqual(len(self.dump()), 2)
        self.ofctl("del-flows", "table=0,out_port=2")
        self.assertEqual(len(self.dump()), 1)
        self.assertIn("flow_count=1", self.ofctl("dump-aggregate"))

    def test_files_of_flows_are_added_replaced_and_compared(self):
        with tempfile.NamedTemporaryFile("w", suffix=".flows") as first, \
                tempfile.NamedTemporaryFile("w", suffix=".flows") as second:
            first.writelines(f"priority={i},ip,nw_src=10.{i >> 8}.{i & 255}.0/24,actions=output:1\n" for i in range(2000))
            second.writelines(f"priority={i},ip,nw_src=10.{i >> 8}.{i & 255}.0/24,actions=output:{1 + i % 2}\n"
                              for i in range(1000, 2500))
            first.flush()
            second.flush()
            # More than a pipe holds is written meanwhile.
            reader = threading.Thread(target=self.lines, args=(2000,))
            reader.start()
            self.ofctl("add-flows", first.name)
            reader.join()
            self.assertEqual(len(self.dump()), 2000)
            self.assertEqual(self.ofctl("diff-flows", first.name), "")
            run = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "diff-flows", self.target, second.name],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 2)
            # 1000 gone, 500 new, and 500 of another port, which are both.
            self.assertEqual(sum(line.startswith("-") for line in run.stdout.splitlines()), 1500)
            self.assertEqual(sum(line.startswith("+") for line in run.stdout.splitlines()), 1000)
            # Changed entries are added over the old ones.
            reader = threading.Thread(target=self.lines, args=(1000,))
            reader.start()
            self.ofctl("replace-flows", second.name)
            reader.join()
            self.assertEqual(self.ofctl("diff-flows", second.name), "")

    def test_groups_and_meters(self):
        group = "group_id=5,type=select,bucket=weight:5,actions=output:1,bucket=weight:7,actions=push_vlan:0x8100,output:2"
        self.ofctl("add-group", group)
        self.assertIn(group, self.ofctl("dump-groups"))
        self.assertEqual([group], self.lines(1))
        self.assertEqual(group, self.filter("group", group))
        self.ofctl("mod-group", "group_id=5,type=ff,bucket=watch_port:1,actions=output:1")
        self.assertIn("group_id=5,type=ff,bucket=watch_port:1,actions=output:1", self.ofctl("dump-groups"))
        self.assertIn("group_id=5,duration", self.ofctl("dump-group-stats"))
        self.assertIn("Types:  0xf", self.ofctl("dump-group-features"))
        self.assertIn("OFPGMFC_GROUP_EXISTS", self.ofctl("add-group", "group_id=5,type=all", fails=True))
        self.ofctl("del-groups", "group_id=5")
        self.assertNotIn("group_id", self.ofctl("dump-groups"))
        meter = "meter=3,kbps,burst,stats,band=type=drop,rate=1000,burst_size=50"
        self.ofctl("add-meter", meter)
        self.assertEqual([meter], self.lines(1))
        self.assertEqual(meter, self.filter("meter", meter))
        self.assertIn("meter=3 kbps burst stats bands=\ntype=drop rate=1000 burst_size=50", self.ofctl("dump-meters"))
        self.assertIn("meter:3 flow_count", self.ofctl("meter-stats"))
        self.assertIn("band_types: drop dscp_remark", self.ofctl("meter-features"))
        self.assertIn("OFPMMFC_UNKNOWN_METER", self.ofctl("mod-meter", "meter=4,kbps,band=type=drop,rate=1", fails=True))

    def test_the_switch_describes_itself(self):
        show = self.ofctl("show")
        self.assertIn("dpid:0000123456789abc", show)
        self.assertIn("LOCAL(port3): addr:02:00:00:00:00:03", show)
        self.assertIn("Manufacturer: Sluice", self.ofctl("dump-desc"))
        self.assertIn("4 ports", self.ofctl("dump-ports"))
        self.assertIn("port  2: rx pkts=1, bytes=3", self.ofctl("dump-ports", "2"))
        self.assertIn("active=0, lookup=100, matched=90", self.ofctl("dump-tables"))
        self.assertIn("next tables: 1-7", self.ofctl("dump-table-features"))
        self.assertIn("port 1 queue 1: bytes=11", self.ofctl("queue-stats"))
        self.assertIn("queue 1: min_rate:10.0% max_rate:50.0%", self.ofctl("queue-get-config", "1"))
        self.ofctl("mod-port", "2", "down")
        self.assertRegex(self.ofctl("show"), r"(?s)2\(port1\).*?config:     PORT_DOWN")
        self.ofctl("mod-port", "2", "up")
        self.ofctl("set-frags", "drop")
        self.assertEqual(self.ofctl("get-frags").strip(), "drop")
        self.ofctl("set-frags", "normal")
        self.ofctl("probe")

    def test_monitor_sees_packets_and_removed_flows(self):
        self.ofctl("add-flow", "send_flow_rem,priority=77,actions=drop")
        self.assertEqual(self.lines(1), ["send_flow_rem,priority=77,actions=drop"])
        with tempfile.TemporaryDirectory() as folder:
            monitor = subprocess.Popen(["ovs-ofctl", "-O", "OpenFlow13", f"--unixctl={folder}/ctl", "monitor",
                                        self.target, "65535"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                seen = ""
                # The monitor is connected once it sees a packet.
                deadline = time.monotonic() + 15
                while "OFPT_PACKET_IN" not in seen and time.monotonic() < deadline:
                    self.ofctl("packet-out",
                               "in_port=2,packet=ffffffffffff0200000000010806000108000604000102000000000a0a0000010000"
                               "000000000a000002,actions=output:1")
                    while select.select([monitor.stdout], [], [], 0.2)[0]:
                        seen += monitor.stdout.readline()
                self.ofctl("del-flows")
                while "OFPT_FLOW_REMOVED" not in seen and time.monotonic() < deadline:
                    seen += monitor.stdout.readline()
                seen += monitor.stdout.readline()
            finally:
                monitor.kill()
                monitor.communicate()
        self.assertIn("in_port=2 (via action) data_len=42 (unbuffered)", seen)
        self.assertIn("arp_tpa=10.0.0.2", seen)
        self.assertRegex(seen, r"priority=77.*reason=delete")


class Transports(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.switch = None

    def tearDown(self):
        if self.switch is not None:
            self.assertEqual(self.switch.stop(), 0)
        self.folder.cleanup()

    def connect(self, hello=True):
        sock = socket.create_connection(("127.0.0.1", self.switch.ports[0]), timeout=10)
        if hello:
            sock.sendall(message(HELLO))
            self.assertEqual(receive(sock)[0], HELLO)
        return sock

    def echo(self, sock):
        sock.sendall(message(ECHO_REQUEST, b"x", 99))
        while (got := receive(sock))[0] != ECHO_REPLY:
            self.assertEqual(got[0], ECHO_REQUEST)
        self.assertEqual(got[1:], (99, b"x"))

    def test_message_may_come_byte_by_byte_and_many_at_once(self):
        self.switch = Switch("ptcp:0:127.0.0.1")
        with self.connect(hello=False) as sock:
            for byte in message(HELLO, version=6) + message(ECHO_REQUEST, b"slow", 5):
                sock.sendall(bytes([byte]))
            self.assertEqual(receive(sock)[0], HELLO)
            self.assertEqual(receive(sock), (ECHO_REPLY, 5, b"slow"))
            sock.sendall(b"".join(message(ECHO_REQUEST, b"", i) for i in range(1000)) + message(BARRIER_REQUEST, xid=1000))
            for i in range(1000):
                self.assertEqual(receive(sock)[1], i)
            self.assertEqual(receive(sock)[:2], (BARRIER_REQUEST + 1, 1000))

    def test_unknown_version_is_told_and_closed(self):
        self.switch = Switch("ptcp:0:127.0.0.1")
        with self.connect(hello=False) as sock:
            sock.sendall(message(HELLO, version=1))
            self.assertEqual(receive(sock)[0], HELLO)
            kind, _, body = receive(sock)
            self.assertEqual((kind, body[:4]), (ERROR, bytes(4)))
            self.assertIsNone(receive(sock))

    def test_stalling_and_silent_peers_are_cut_off_and_disturb_nobody(self):
        self.switch = Switch("ptcp:0:127.0.0.1")
        with contextlib.ExitStack() as stack:
            good = stack.enter_context(self.connect())
            half = stack.enter_context(self.connect())
            half.sendall(message(ECHO_REQUEST, b"y" * 100)[:50])
            mute = stack.enter_context(self.connect(hello=False))
            begin = time.monotonic()
            ended = {}
            while len(ended) < 2 and time.monotonic() - begin < 15:
                self.echo(good)
                for sock in select.select([half, mute], [], [], 0.05)[0]:
                    if sock not in ended and sock.recv(1000) == b"":
                        ended[sock] = time.monotonic() - begin
            self.assertLess(ended[mute], 6)
            self.assertLess(ended[half], 12)
            self.echo(good)

    def test_flood_that_is_not_read_is_bounded_and_disturbs_nobody(self):
        self.switch = Switch("ptcp:0:127.0.0.1")
        with self.connect() as good, self.connect() as bad:
            before = self.switch.rss_kb()
            bad.setblocking(False)
            block = message(ECHO_REQUEST, bytes(60000)) * 10
            sent = 0
            begin = time.monotonic()
            while time.monotonic() - begin < 1:
                try:
                    sent += bad.send(block)
                except BlockingIOError:
                    begun = time.monotonic()
                    self.echo(good)
                    self.assertLess(time.monotonic() - begun, 3)
                except ConnectionError:
                    break
            self.assertGreater(sent, 1 << 20)
            self.assertLess(self.switch.rss_kb() - before, 64 << 10)

    def test_flood_that_is_read_leaves_others_their_turn(self):
        self.switch = Switch("ptcp:0:127.0.0.1")
        stop = threading.Event()

        def flood():
            with self.connect() as bad:
                reader = threading.Thread(target=lambda: [None for _ in iter(lambda: bad.recv(1 << 16), b"")])
                reader.start()
                while not stop.is_set():
                    bad.sendall(message(ECHO_REQUEST) * 1000)
                bad.shutdown(socket.SHUT_WR)
                reader.join()
        thread = threading.Thread(target=flood)
        with self.connect() as good:
            thread.start()
            try:
                for _ in range(50):
                    begin = time.monotonic()
                    self.echo(good)
                    self.assertLess(time.monotonic() - begin, 3)
            finally:
                stop.set()
                thread.join()

    def test_controller_is_dialled_again_within_a_second(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(10)
            port = server.getsockname()[1]
            self.switch = Switch(f"tcp:127.0.0.1:{port}", f"unix:{self.folder.name}/controller")
            for good in (True, False, False, False, False, False, True, True):
                begin = time.monotonic()
                sock = server.accept()[0]
                self.assertLess(time.monotonic() - begin, 2.5)
                with sock:
                    if good:
                        sock.sendall(message(HELLO))
                        self.assertEqual(receive(sock)[0], HELLO)
                        self.echo(sock)
            # Nobody was at the path so far.
            with socket.socket(socket.AF_UNIX) as other:
                other.settimeout(10)
                other.bind(f"{self.folder.name}/controller")
                other.listen()
                with other.accept()[0] as sock:
                    self.assertEqual(receive(sock)[0], HELLO)

    def test_socket_of_a_dead_switch_is_taken_over_and_a_living_one_is_not(self):
        path = f"{self.folder.name}/mgmt"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)
        self.switch = Switch(f"punix:{path}")
        second = subprocess.run([MODEL, f"punix:{path}"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(second.returncode, 1)
        self.assertIn("answers at this socket", second.stderr)
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "probe", f"unix:{path}"], check=True)
        self.assertEqual(self.switch.stop(), 0)
        self.switch = None
        self.assertFalse(os.path.exists(path))

    def certificates(self):
        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=self.folder.name, check=True, capture_output=True)
        for ca in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
        for name, ca in (("switch", "ca"), ("controller", "ca"), ("stranger", "other")):
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-days", "2",
                    "-CAcreateserial", "-out", f"{name}.pem")

    def tls_args(self, name):
        return [f"{self.folder.name}/{name}.key", f"{self.folder.name}/{name}.pem", f"{self.folder.name}/ca.pem"]

    def test_tls_asks_for_a_known_certificate(self):
        self.certificates()
        self.switch = Switch("--tls", *self.tls_args("switch"), "pssl:0:127.0.0.1")
        target = f"ssl:127.0.0.1:{self.switch.ports[0]}"

        def show(name):
            key, certificate, ca = self.tls_args(name)
            return subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "-t", "10", "-p", key, "-c", certificate, "-C", ca,
                                   "dump-flows", target], capture_output=True, text=True)
        self.assertEqual(show("controller").returncode, 0)
        self.assertNotEqual(show("stranger").returncode, 0)
        with socket.create_connection(("127.0.0.1", self.switch.ports[0]), timeout=10) as plain:
            plain.sendall(message(HELLO))
            with contextlib.suppress(ConnectionError):
                self.assertNotIn(bytes([4, HELLO]), plain.recv(1000)[:2])
        self.assertEqual(show("controller").returncode, 0)

    def test_tls_controller_is_dialled(self):
        self.certificates()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key, certificate, ca = self.tls_args("controller")
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(10)
            self.switch = Switch("--tls", *self.tls_args("switch"), f"ssl:127.0.0.1:{server.getsockname()[1]}")
            with context.wrap_socket(server.accept()[0], server_side=True) as sock:
                self.assertIn("switch", str(sock.getpeercert()["subject"]))
                sock.sendall(message(HELLO))
                self.assertEqual(receive(sock)[0], HELLO)
                self.echo(sock)

    def test_targets_that_cannot_be_are_refused(self):
        for target in ("tcp:", "tcp:localhost", "tcp:1.2.3.4:0", "tcp:1.2.3.4:65536", "tcp:[::1", "tcp:::1", "ptcp:x",
                       "ptcp:6653:1.2.3", "unix:", "punix:" + "x" * 108, "udp:1.2.3.4", "6653", "tcp:" + "1" * 200):
            with self.subTest(target):
                run = subprocess.run([MODEL, target], stdin=subprocess.DEVNULL, capture_output=True, text=True)
                self.assertEqual(run.returncode, 1)
                self.assertIn("targets[0]", run.stderr)
                self.assertIn("allowed: tcp:IP[:PORT]", run.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
