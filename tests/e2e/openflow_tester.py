# SPDX-License-Identifier: BSD-3-Clause
"""A controller and the other ends of three ports: runs descriptions of openflow_cases.py against a real switch.

Messages are made and read by os_ken (Ryu), so that both sides of a misunderstanding cannot be ours. Nothing sleeps: behind
each frame goes another one, whose arrival says that the first one's outcome is there."""
import ctypes
import functools
import importlib
import inspect
import os
import select
import socket
import struct
import subprocess
import time

from os_ken.ofproto import ofproto_parser, ofproto_protocol, ofproto_v1_3 as ofp, ofproto_v1_3_parser as parser

DEADLINE = 5.0  # s for anything to arrive
SENTINEL = "02:5e:5e:5e:5e:5e"
SENTINEL_COOKIE = 0x5e5e5e5e
SENTINEL_HEADER = bytes.fromhex("025e5e5e5e5e02000000000188b5")
ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 3, 263, 8, 4
STATUS_VLAN_VALID, STATUS_TPID_VALID = 0x10, 0x40


class Failure(Exception):
    """The switch did something else than it was to do."""


class Refused(Failure):
    """It answered with an error."""

    def __init__(self, error):
        self.type, self.code, self.data = error.type, error.code, error.data
        super().__init__("error of type %d, code %d" % (error.type, error.code))


class Version(ofproto_protocol.ProtocolDesc):
    """What os_ken wants of a datapath."""

    def __init__(self):
        super().__init__(ofp.OFP_VERSION)

    def set_xid(self, message):
        message.set_xid(0)


VERSION = Version()


class Controller:
    """One connection of a switch, from hello on."""

    def __init__(self, sock):
        self.sock, self.data, self.packet_ins, self.events = sock, b"", [], []
        self.xid = 0x1000
        sock.settimeout(DEADLINE)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.raw(struct.pack("!BBHI", 4, ofp.OFPT_HELLO, 8, 1))
        self.wait(lambda m: m.msg_type == ofp.OFPT_HELLO)
        self.features = self.request(parser.OFPFeaturesRequest(VERSION))

    def raw(self, data):
        self.sock.sendall(data)

    def bytes_of(self, message):
        self.xid += 1
        message.xid = None
        message.set_xid(self.xid)
        message.serialize()
        return bytes(message.buf)

    def send(self, *messages):
        """Returns the xid of the last one."""
        self.raw(b"".join(self.bytes_of(m) for m in messages))
        return self.xid

    def receive(self, deadline):
        """The next message, raw errors and all; None if there is none until the deadline."""
        while True:
            if len(self.data) >= 8:
                version, kind, length, xid = struct.unpack_from("!BBHI", self.data)
                if len(self.data) >= length:
                    own, self.data = self.data[:length], self.data[length:]
                    return ofproto_parser.msg(VERSION, version, kind, length, xid, own)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            more = self.sock.recv(1 << 18)
            if not more:
                raise Failure("the switch closed the connection")
            self.data += more

    def wait(self, wanted, errors=True):
        """The first message that is wanted; packet-ins and other events are kept, errors are raised."""
        deadline = time.monotonic() + DEADLINE
        while True:
            message = self.receive(deadline)
            if message is None:
                raise Failure("no answer within %g s" % DEADLINE)
            if wanted(message):
                return message
            if message.msg_type == ofp.OFPT_ERROR and errors:
                raise Refused(message)
            if message.msg_type == ofp.OFPT_ECHO_REQUEST:
                self.raw(struct.pack("!BBHI", 4, ofp.OFPT_ECHO_REPLY, 8, message.xid))
            elif message.msg_type == ofp.OFPT_PACKET_IN:
                self.packet_ins.append(message)
            else:
                self.events.append(message)

    def request(self, message):
        """The answer; the parts of a multipart one as one list."""
        xid = self.send(message)
        answer = self.wait(lambda m: m.xid == xid and m.msg_type != ofp.OFPT_ERROR)
        if answer.msg_type != ofp.OFPT_MULTIPART_REPLY:
            return answer
        body = answer.body
        while answer.flags & ofp.OFPMPF_REPLY_MORE:
            answer = self.wait(lambda m: m.xid == xid and m.msg_type != ofp.OFPT_ERROR)
            body = body + answer.body
        return body

    def barrier(self):
        self.request(parser.OFPBarrierRequest(VERSION))

    def refusal(self, data):
        """(type, code) of what comes back for raw bytes, before the answer to a barrier; None if nothing does."""
        self.raw(data)
        xid, errors = self.send(parser.OFPBarrierRequest(VERSION)), []
        self.wait(lambda m: m.xid == xid or (m.msg_type == ofp.OFPT_ERROR and errors.append(m)), errors=False)
        return (errors[0].type, errors[0].code) if errors else None

    def flows(self):
        return self.request(parser.OFPFlowStatsRequest(VERSION, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, parser.OFPMatch()))

    def tables(self):
        return {t.table_id: (t.lookup_count, t.matched_count) for t in self.request(parser.OFPTableStatsRequest(VERSION, 0))}


def in_namespace(name, make):
    """What make() gives, in a network namespace."""
    if not name:
        return make()
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as home, open("/run/netns/" + name) as there:
        try:
            if libc.setns(there.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            return make()
        finally:
            libc.setns(home.fileno(), 0)


class Port:
    """The other end of a port: frames in and out, as they are on the wire."""

    def __init__(self, interface):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.sock.bind((interface, ETH_P_ALL))
        self.sock.setblocking(False)

    def send(self, data):
        self.sock.send(data)

    def receive(self, deadline):
        """The next frame that came from the switch; None if there is none until the deadline."""
        while True:
            try:
                data, ancillary, _, address = self.sock.recvmsg(1 << 16, 256)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                    return None
                continue
            if address[2] == PACKET_OUTGOING:
                continue
            for level, kind, value in ancillary:
                if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                    status, _, _, _, _, tci, tpid = struct.unpack_from("IIIHHHH", value)
                    if status & STATUS_VLAN_VALID:
                        tpid = tpid if status & STATUS_TPID_VALID else 0x8100
                        data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
            return data

    def until(self, sentinel):
        """The frames before that sentinel; late ones of others are no matter."""
        deadline, frames = time.monotonic() + DEADLINE, []
        while (data := self.receive(deadline)) != sentinel:
            if data is None:
                raise Failure("nothing more comes out, not even what was sent behind it")
            if not data.startswith(SENTINEL_HEADER):
                frames.append(data)
        return frames


def patient(function):
    """A worker that has to wait for its CPU sees packets late, and a meter lets fewer of them through: three times in a row
    that is no chance."""
    @functools.wraps(function)
    def thrice(b):
        for left in (2, 1, 0):
            try:
                return function(b)
            except Failure:
                if left == 0:
                    raise
                b.clean()
    return thrice


def packet_classes():
    """What descriptions may name."""
    names = {}
    for module in ("ethernet", "vlan", "mpls", "pbb", "ipv4", "ipv6", "arp", "tcp", "udp", "sctp", "icmp", "icmpv6"):
        for name, kind in inspect.getmembers(importlib.import_module("os_ken.lib.packet." + module), inspect.isclass):
            names.setdefault("icmpv6echo" if (module, name) == ("icmpv6", "echo") else name, kind)
    return names


CLASSES = packet_classes()


@functools.lru_cache(maxsize=None)
def frame_of(text):
    made = eval(text, CLASSES)  # our own tables, and the form of the tester's files
    made.serialize()
    return bytes(made.data)


def message_of(description):
    return ofproto_parser.ofp_msg_from_jsondict(VERSION, description)


def same_flow(got, sent):
    return ((got.table_id, got.priority, got.cookie, got.idle_timeout, got.hard_timeout, got.flags) ==
            (sent.table_id, sent.priority, sent.cookie, sent.idle_timeout, sent.hard_timeout, sent.flags) and
            sorted(got.match.items()) == sorted(sent.match.items()) and
            sorted(map(str, got.instructions)) == sorted(map(str, sent.instructions)))


class Bench:
    """A switch with three ports, whose other ends are here: what to do with it."""

    def __init__(self, controller, ports, exact=True, settle=""):
        self.of, self.port, self.exact, self.settle = controller, ports, exact, settle
        self.serial = 0

    def clear(self):
        """Messages that leave nothing but the entry for sentinels, which come out of every port and of the controller."""
        outputs = [parser.OFPActionOutput(n, 128) for n in (ofp.OFPP_IN_PORT, 1, 2, 3, ofp.OFPP_CONTROLLER)]
        return [
            parser.OFPFlowMod(VERSION, command=ofp.OFPFC_DELETE, table_id=ofp.OFPTT_ALL, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY),
            parser.OFPGroupMod(VERSION, command=ofp.OFPGC_DELETE, type_=0, group_id=ofp.OFPG_ALL),
            parser.OFPMeterMod(VERSION, command=ofp.OFPMC_DELETE, flags=0, meter_id=ofp.OFPM_ALL),
            parser.OFPFlowMod(VERSION, match=parser.OFPMatch(eth_dst=SENTINEL), priority=65535, cookie=SENTINEL_COOKIE,
                              instructions=[parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, outputs)]),
        ]

    def install(self, messages):
        """Instead of all that was there; and it is read back as it was given."""
        self.of.send(*self.clear(), *messages)
        self.of.barrier()
        if self.settle:
            subprocess.run(self.settle, shell=True, check=True)
        got = self.of.flows()
        if len([m for m in messages if m.msg_type == ofp.OFPT_FLOW_MOD]) != len(got) - 1:
            raise Failure("%d entries" % (len(got) - 1))
        for m in messages:
            if m.msg_type == ofp.OFPT_FLOW_MOD and not any(same_flow(f, m) for f in got):
                raise Failure("not read back as installed: %s, but %s" % (m.instructions, [(f.match, f.instructions) for f in got]))

    def clean(self):
        """After a failure: whatever is still to come is nothing that the next test waits for."""
        xid = self.of.send(parser.OFPBarrierRequest(VERSION))
        self.of.wait(lambda m: m.xid == xid, errors=False)
        for port in self.port.values():
            while port.receive(0) is not None:
                pass

    def sentinel(self):
        """A frame that comes out of every port and of the controller, like no other one."""
        self.serial += 1
        return SENTINEL_HEADER + self.serial.to_bytes(46, "big")

    def told(self, sentinel):
        """Waits until that sentinel was told to the controller."""
        while not any(bytes(m.data) == sentinel for m in self.of.packet_ins):
            self.of.packet_ins.append(self.of.wait(lambda m: m.msg_type == ofp.OFPT_PACKET_IN))

    def through(self, *frames, into=1, of=(1, 2, 3), to_controller=True):
        """{port: frames} of what frames into a port make. Packets of other kinds in the same burst may be overtaken, so the
        second sentinel goes in when the first one is out."""
        self.of.packet_ins.clear()
        out = {n: [] for n in of}
        for some in (frames, ()):
            sentinel = self.sentinel()
            for frame in some + (sentinel,):
                self.port[into].send(frame)
            for n in of:
                out[n] += self.port[n].until(sentinel)
            if to_controller:
                self.told(sentinel)
        return out

    def outcome(self, *frames, into=1):
        """{port: frames}, and the packet-ins."""
        out = self.through(*frames, into=into)
        return out, [m for m in self.of.packet_ins if not bytes(m.data).startswith(SENTINEL_HEADER)]

    def outputs(self, frame, wanted, to_controller=(), into=1):
        """Fails unless a frame comes out as wanted: {port: frames}, nothing where nothing is said."""
        out, packet_ins = self.outcome(frame, into=into)
        for number in self.port:
            expect("port %d" % number, out[number], wanted.get(number, []))
        expect("the controller", [bytes(m.data) for m in packet_ins], list(to_controller))
        return packet_ins

    def run(self, case):
        """One description."""
        self.install([message_of(m) for m in case["prerequisite"]])
        for test in case["tests"]:
            before = self.of.tables() if "table-miss" in test else {}
            wanted = {2: [frame_of("/".join(test["egress"]))]} if "egress" in test else {}
            to_controller = [frame_of("/".join(test["PACKET_IN"]))] if "PACKET_IN" in test else []
            packet_ins = self.outputs(frame_of("/".join(test["ingress"])), wanted, to_controller)
            for m in packet_ins:
                if (m.reason, m.match.get("in_port")) != (ofp.OFPR_ACTION, 1):
                    raise Failure("a packet-in of reason %d, %s" % (m.reason, m.match))
            for table in test.get("table-miss", ()) if self.exact else ():
                self.missed(table, before[table], self.of.tables()[table])

    @staticmethod
    def missed(table, before, after):
        sentinels = 2 * int(table == 0)
        if (after[0] - before[0], after[1] - before[1]) != (1 + sentinels, sentinels):
            raise Failure("table %d: lookups and matches went from %s to %s" % (table, before, after))


def expect(where, got, wanted):
    if got != wanted:
        raise Failure("%s: got %s, wanted %s" % (where, [x.hex() for x in got] or "nothing", [x.hex() for x in wanted] or "nothing"))


def listen(announce, family=socket.AF_INET):
    """A controller for the switch that is told to come to the port that announce() is given."""
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        s.settimeout(20)
        announce(s.getsockname()[1])
        return Controller(s.accept()[0])
