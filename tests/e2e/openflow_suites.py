# SPDX-License-Identifier: BSD-3-Clause
"""What suites of others ask for that the specification leaves open, or says in passing: functions like those of
openflow_behaviour.py."""
import struct

from os_ken.ofproto import ofproto_v1_3 as ofp, ofproto_v1_3_parser as parser

from openflow_behaviour import GROUP_ALL, GROUP_INDIRECT, GROUP_SELECT, behaviour, bucket, does, equal, group, octets
from openflow_cases import ARP, TCP4, TCP6, WRITE, action, actions_instruction, flow, goto, group_action, output, oxm, setting, tagged
from openflow_tester import VERSION, Failure, message_of

HEADER = struct.Struct("!BBHI")


def message(kind, body=b"", version=4, xid=77):
    return HEADER.pack(version, kind, HEADER.size + len(body), xid) + body


@behaviour("suites")
def buckets_of_zeros_watch_nothing(b):
    f = octets(TCP4)
    for kind, weight in ((GROUP_ALL, 0), (GROUP_INDIRECT, 0), (GROUP_SELECT, 1)):
        given = group(1, kind, bucket(output(2), weight=weight, watch_port=0, watch_group=0))
        b.install([message_of(m) for m in (given, flow([], does(group_action(1))))])
        b.outputs(f, {2: [f]})
        got = b.of.request(parser.OFPGroupDescStatsRequest(VERSION, 0))
        equal("watched", [(x.watch_port, x.watch_group) for x in got[0].buckets], [(0, 0)])


@behaviour("suites")
def an_empty_group_leaves_the_rest_alone(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (group(1, GROUP_SELECT), flow([], does(output(2), group_action(1), output(3))))])
    b.outputs(f, {2: [f], 3: [f]})


@behaviour("suites")
def what_is_not_there_is_deleted_without_an_error(b):
    b.install([])
    for what in (parser.OFPGroupMod(VERSION, ofp.OFPGC_DELETE, 0, 7), parser.OFPMeterMod(VERSION, ofp.OFPMC_DELETE, 0, 7),
                 message_of(flow([oxm("in_port", 9)], [], command=ofp.OFPFC_DELETE_STRICT)),
                 message_of(flow([oxm("in_port", 9)], [], command=ofp.OFPFC_MODIFY))):
        equal(type(what).__name__, b.of.refusal(b.of.bytes_of(what)), None)


@behaviour("suites")
def filters_and_buffers_that_say_nothing_are_not_looked_at(b):
    """Libraries leave zeros in what a command does not use."""
    b.install([])
    for name, command, buffer, port, number in (("an addition", ofp.OFPFC_ADD, ofp.OFP_NO_BUFFER, 0, 0),
                                                ("a change", ofp.OFPFC_MODIFY, ofp.OFP_NO_BUFFER, 7, 7),
                                                ("a deletion", ofp.OFPFC_DELETE, 0, ofp.OFPP_ANY, ofp.OFPG_ANY)):
        m = message_of(flow([], [], command=command, buffer_id=buffer, out_port=port, out_group=number))
        equal(name, b.of.refusal(b.of.bytes_of(m)), None)


@behaviour("suites")
def an_empty_packet_out_is_none(b):
    for port in (0, 99, ofp.OFPP_ANY, ofp.OFPP_CONTROLLER):
        equal("port %#x" % port, b.of.refusal(message(ofp.OFPT_PACKET_OUT, struct.pack("!IIH6x", ofp.OFP_NO_BUFFER, port, 0))), None)


@behaviour("suites")
def messages_of_switches_are_no_requests(b):
    for kind in (6, 8, 10, 11, 12, 19, 21, 23, 25, 27, 30, 31, 33, 34, 255):
        equal("type %d" % kind, b.of.refusal(message(kind)), (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_BAD_TYPE))


@behaviour("suites")
def frames_with_a_length_have_the_type_of_snap_or_none(b):
    """IEEE 802.3: the type is that of SNAP with the OUI of Ethernet; all others are 0x05ff."""
    head, ip = octets(TCP4)[:12], octets(TCP4)[14:]

    def llc(data):
        return head + struct.pack("!H", len(data)) + data
    snap, bare, other = (llc(bytes.fromhex(x) + ip) for x in ("aaaa030000000800", "aaab03", "aaaa0300000c0800"))
    for kind, hits, misses in ((0x0800, [snap, octets(TCP4)], [bare, other, octets(ARP)]),
                               (0x05ff, [bare, other], [snap, octets(TCP4), octets(TCP6)])):
        b.install([message_of(flow([oxm("eth_type", kind)], does(output(2))))])
        for frame in hits:
            b.outputs(frame, {2: [frame]})
        for frame in misses:
            b.outputs(frame, {})
    b.install([message_of(flow([oxm("eth_type", 0x800), oxm("ip_proto", 6), oxm("tcp_dst", 2002)], does(output(2))))])
    b.outputs(snap, {2: [snap]})


@behaviour("suites")
def a_packet_without_an_entry_is_dropped_with_its_action_set(b):
    """5.4: without a table-miss entry; with one the pipeline ends there, and the set is done."""
    f = octets(TCP4)
    first = flow([], [actions_instruction([output(3)]), actions_instruction([output(2)], WRITE), goto(1)])
    b.install([message_of(first)])
    b.outputs(f, {3: [f]})
    b.install([message_of(first), message_of(flow([], [], table_id=1, priority=0))])
    b.outputs(f, {2: [f], 3: [f]})


@behaviour("suites")
def each_pushed_header_is_the_outermost(b):
    """5.12: also a label on a frame with a tag, where it has the TTL of the IP header behind the tag."""
    f = octets(tagged(TCP4))
    b.install([message_of(flow([oxm("vlan_vid", 0x1000, 0x1000)],
                               does(action("PushMpls", ethertype=0x8847), setting("mpls_label", 7), output(2),
                                    action("PushVlan", ethertype=0x8100), setting("vlan_vid", 0x1009), output(3))))])
    pushed = bytes.fromhex("8847 0000713c") + f[14:]
    b.outputs(f, {2: [f[:12] + pushed], 3: [f[:12] + bytes.fromhex("81000009") + pushed]})


def messages():
    """(name, body of a message, lengths of the whole that are right, too): one of each type that has a body."""
    out, match = struct.pack("!HHIH6x", 0, 16, 2, 0xffff), struct.pack("!HH4x", 1, 4)
    apply = struct.pack("!HH4x", 4, 24) + out
    change = struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, 5, *[0xffffffff] * 3, 0)
    of_flows = struct.pack("!B3xII4xQQ", 255, 0xffffffff, 0xffffffff, 0, 0) + match
    yield "flow-mod", 14, change + match + apply, {56}
    yield "flow-mod with a match", 14, change + struct.pack("!HHII4x", 1, 12, 0x80000004, 1) + apply, {64}
    yield "flow-mod with a set-field", 14, change + match + struct.pack("!HH4xHHI6s2x", 4, 24, 25, 16, 0x80000606, bytes(6)), {56}
    yield "group-mod", 15, struct.pack("!HBxIHHII4x", 0, 0, 99, 32, 0, 0xffffffff, 0xffffffff) + out, {16}
    yield "meter-mod", 29, struct.pack("!HHIHHII4x", 0, 1, 99, 1, 16, 100, 10), {16}
    yield "port-mod", 16, struct.pack("!I4x6s2xIII4x", 1, bytes(6), 0, 0, 0), set()
    yield "table-mod", 17, struct.pack("!B3xI", 0, 0), set()
    yield "packet-out", 13, struct.pack("!IIH6x", ofp.OFP_NO_BUFFER, ofp.OFPP_CONTROLLER, 16) + out + bytes(60), set(range(54, 200))
    yield "set-config", 9, struct.pack("!HH", 0, 128), set()
    yield "role-request", 24, struct.pack("!I4xQ", 0, 0), set()
    yield "set-async", 28, struct.pack("!6I", 3, 0, 7, 7, 15, 0), set()
    yield "queue-get-config", 22, struct.pack("!I4x", 0xffffffff), set()
    for name, kind, body in (("desc", 0, b""), ("flow", 1, of_flows), ("aggregate", 2, of_flows), ("table", 3, b""),
                             ("port", 4, struct.pack("!I4x", 0xffffffff)), ("queue", 5, bytes([255] * 8)),
                             ("group", 6, struct.pack("!I4x", 0xfffffffc)), ("group-desc", 7, b""), ("group-features", 8, b""),
                             ("meter", 9, struct.pack("!I4x", 0xffffffff)), ("meter-config", 10, struct.pack("!I4x", 0xffffffff)),
                             ("meter-features", 11, b""), ("table-features", 12, b""), ("port-desc", 13, b"")):
        yield "multipart " + name, 18, struct.pack("!HH4x", kind, 0) + body, set()
    for name, kind in (("features", 5), ("get-config", 7), ("barrier", 20), ("get-async", 26)):
        yield name, kind, b"", set()


@behaviour("suites")
def each_lie_about_a_length_is_an_error_and_no_more(b):
    """Cut at each byte, or some bytes longer: an error, and the next message is read as if nothing had been."""
    b.install([])
    for name, kind, body, right in messages():
        whole = len(body) + HEADER.size
        data = message(kind, body) + bytes(16)
        for length in [n for n in range(HEADER.size, whole) if n not in right] + [n for n in (whole + 1, whole + 7, whole + 16) if n not in right]:
            lie = data[:2] + struct.pack("!H", length) + data[4:length]
            if b.of.refusal(lie) is None:
                raise Failure("%s of %d bytes instead of %d is no error" % (name, length, whole))
    equal("entries", len(b.of.flows()), 1)
    equal("groups and meters", b.of.request(parser.OFPGroupDescStatsRequest(VERSION, 0)) + b.of.request(parser.OFPMeterConfigStatsRequest(VERSION)), [])
