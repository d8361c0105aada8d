# SPDX-License-Identifier: BSD-3-Clause
"""What descriptions cannot say: several ports, groups, meters, packet-ins and -outs, port states, counters, timeouts.

Each function of BEHAVIOURS takes a Bench, and fails or not; what it asks for is its name."""
import itertools
import time

from os_ken.ofproto import ofproto_v1_3 as ofp, ofproto_v1_3_parser as parser

from openflow_cases import ARP, CONTROLLER, IN_PORT, TCP4, TCP6, WHOLE, action, actions_instruction, flow, goto, group_action, output, \
    oxm, setting, tagged
from openflow_frames import changed, expressions, layer, put
from openflow_tester import SENTINEL_COOKIE, VERSION, Failure, expect, frame_of, message_of, patient

ALL, FLOOD, NORMAL, TABLE = 0xfffffffc, 0xfffffffb, 0xfffffffa, 0xfffffff9
NO_BUFFER = 0xffffffff
BEHAVIOURS = []


def behaviour(group):
    def register(function):
        BEHAVIOURS.append((group, function))
        return function
    return register


def octets(f):
    return frame_of("/".join(expressions(f)))


def does(*actions):
    return [actions_instruction(actions)]


def one_flow(b, actions, fields=(), **more):
    b.install([message_of(flow(fields, does(*actions), **more))])


def equal(what, got, wanted):
    if got != wanted:
        raise Failure("%s: got %.400s, wanted %.400s" % (what, got, wanted))


# --- outputs ---------------------------------------------------------------------------------------------------------

@behaviour("output")
def all_and_flood_are_every_port_but_that_of_ingress(b):
    f = octets(TCP4)
    for port in (ALL, FLOOD):
        one_flow(b, [output(port)])
        b.outputs(f, {2: [f], 3: [f]})
        b.outputs(f, {1: [f], 3: [f]}, into=2)


@behaviour("output")
def in_port_alone_goes_back(b):
    f = octets(TCP4)
    one_flow(b, [output(IN_PORT)])
    b.outputs(f, {1: [f]})
    b.outputs(f, {2: [f]}, into=2)
    one_flow(b, [output(1)])
    b.outputs(f, {})
    b.outputs(f, {1: [f]}, into=2)


@behaviour("output")
def each_output_has_the_packet_as_it_is_then(b):
    f, first = TCP4, "02:00:00:00:00:11"
    one_flow(b, [output(2), setting("eth_dst", first), output(3), action("PushVlan", ethertype=0x8100), output(2), output(CONTROLLER, WHOLE)],
             [oxm("eth_type", 0x800)])
    other = put(f, "eth_dst", first)
    last = octets(tagged(other, layer("vlan", vid=0, pcp=0)))
    b.outputs(octets(f), {2: [octets(f), last], 3: [octets(other)]}, [last])


@behaviour("output")
def an_entry_without_instructions_drops(b):
    b.install([message_of(flow([oxm("in_port", 1)], []))])
    b.outputs(octets(TCP4), {})
    b.install([])
    b.outputs(octets(TCP4), {})


@behaviour("output")
def normal_is_a_learning_bridge(b):
    to, back = octets(put(TCP4, "eth_src", "02:00:00:00:0e:01")), octets(put(put(TCP4, "eth_dst", "02:00:00:00:0e:01"),
                                                                             "eth_src", "02:00:00:00:0e:02"))
    one_flow(b, [output(NORMAL)])
    b.outputs(to, {1: [to], 3: [to]}, into=2)
    deadline = time.monotonic() + 3
    while True:  # learning is control's, and takes a moment
        out, _ = b.outcome(back)
        expect("port 2", out[2], [back])
        if not out[3]:
            return
        if time.monotonic() > deadline:
            raise Failure("an address is not learned")


# --- packet-ins and -outs --------------------------------------------------------------------------------------------

def packet_out(b, actions, data=b"", in_port=CONTROLLER, buffer=NO_BUFFER):
    """{port: frames} of what it makes; a sentinel behind it says that it is through."""
    def message(some, what, buffer_id):
        made = message_of({"OFPPacketOut": {"buffer_id": buffer_id, "in_port": in_port, "actions": some, "data": ""}})
        made.data = what or None
        return made
    b.of.send(message(actions, data, buffer))
    b.of.barrier()
    return b.through()


@behaviour("packet-in")
def a_packet_in_says_where_and_why(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (
        flow([oxm("in_port", 1)], [{"OFPInstructionWriteMetadata": {"metadata": 0x1234, "metadata_mask": 0xffff}}, goto(4)], cookie=7),
        flow([oxm("eth_type", 0x800)], does(output(CONTROLLER, WHOLE)), table_id=4, cookie=0xabcd))])
    m = b.outputs(f, {}, [f])[0]
    equal("reason, table, cookie, size", (m.reason, m.table_id, m.cookie, m.total_len), (ofp.OFPR_ACTION, 4, 0xabcd, len(f)))
    equal("match", (m.match["in_port"], m.match.get("metadata")), (1, 0x1234))
    equal("buffer", m.buffer_id, NO_BUFFER)


@behaviour("packet-in")
def a_table_miss_entry_has_a_reason_of_its_own(b):
    f = octets(TCP4)
    one_flow(b, [output(CONTROLLER, WHOLE)], priority=0, cookie=5)
    m = b.outputs(f, {}, [f])[0]
    equal("reason, table, cookie", (m.reason, m.table_id, m.cookie), (ofp.OFPR_NO_MATCH, 0, 5))


@behaviour("packet-in")
def max_len_is_kept_and_the_buffer_holds_the_rest(b):
    f = octets(TCP4)
    for max_len in (0, 40):
        one_flow(b, [output(CONTROLLER, max_len)], [oxm("eth_type", 0x800)])
        m = b.outputs(f, {}, [f[:max_len]])[0]
        equal("size", m.total_len, len(f))
        if m.buffer_id == NO_BUFFER:
            raise Failure("no buffer")
        expect("port 3", packet_out(b, [output(3)], buffer=m.buffer_id)[3], [f])


@behaviour("packet-in")
def a_flow_mod_may_take_a_buffered_packet_with_it(b):
    f = octets(TCP4)
    one_flow(b, [output(CONTROLLER, 20)], [oxm("eth_type", 0x800)])
    m = b.outputs(f, {}, [f[:20]])[0]
    b.of.send(message_of(flow([oxm("in_port", 1)], does(output(3)), priority=40000, buffer_id=m.buffer_id)))
    b.of.barrier()
    expect("port 3", b.through()[3], [f])
    b.outputs(f, {3: [f]})
    equal("the buffer again", b.of.refusal(b.of.bytes_of(message_of(flow([], [], buffer_id=m.buffer_id)))),
          (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_BUFFER_EMPTY))


@behaviour("packet-in")
def bad_ttls_are_told_to_who_asks(b):
    f, good = octets(changed(TCP4, 1, ttl=1)), octets(TCP4)
    one_flow(b, [action("DecNwTtl"), output(2)], [oxm("eth_type", 0x800)])
    everything = dict(flow_removed_mask=[15, 15], port_status_mask=[7, 7])
    b.of.send(parser.OFPSetAsync(VERSION, packet_in_mask=[3, 0], **everything))
    b.outputs(f, {})
    b.of.send(parser.OFPSetAsync(VERSION, packet_in_mask=[7, 0], **everything))
    b.of.barrier()
    out, packet_ins = b.outcome(f)
    equal("ports and reasons", (out, [m.reason for m in packet_ins]), ({1: [], 2: [], 3: []}, [ofp.OFPR_INVALID_TTL]))
    expect("the controller", [bytes(m.data) for m in packet_ins], [f])
    b.outputs(good, {2: [octets(changed(TCP4, 1, ttl=59))]})
    b.of.send(parser.OFPSetAsync(VERSION, packet_in_mask=[3, 0], **everything))


@behaviour("packet-out")
def a_packet_out_does_its_actions(b):
    f = octets(TCP4)
    b.install([message_of(flow([oxm("in_port", 2)], does(output(3))))])
    equal("a port", packet_out(b, [output(2)], f), {1: [], 2: [f], 3: []})
    equal("all", packet_out(b, [output(ALL)], f, in_port=2), {1: [f], 2: [], 3: [f]})
    equal("the ingress port", packet_out(b, [output(IN_PORT)], f, in_port=2), {1: [], 2: [f], 3: []})
    equal("the tables", packet_out(b, [output(TABLE)], f, in_port=2), {1: [], 2: [], 3: [f]})
    equal("none", packet_out(b, [], f), {1: [], 2: [], 3: []})
    changed_ = octets(tagged(put(TCP4, "eth_dst", "02:00:00:00:00:12"), layer("vlan", vid=0, pcp=0)))
    equal("rewriting", packet_out(b, [setting("eth_dst", "02:00:00:00:00:12"), action("PushVlan", ethertype=0x8100), output(1), output(3)], f),
          {1: [changed_], 2: [], 3: [changed_]})


# --- ports -----------------------------------------------------------------------------------------------------------

def port_mod(b, number, config, mask):
    mac = next(p.hw_addr for p in b.of.request(parser.OFPPortDescStatsRequest(VERSION)) if p.port_no == number)
    b.of.send(parser.OFPPortMod(VERSION, number, mac, config, mask, 0))
    b.of.barrier()


@behaviour("port-mod")
def a_port_may_be_told_not_to_forward_or_receive(b):
    f = octets(TCP4)
    one_flow(b, [output(FLOOD)])
    port_mod(b, 2, ofp.OFPPC_NO_FWD, ofp.OFPPC_NO_FWD)
    try:
        equal("port 3", b.through(f, of=(1, 3))[3], [f])
    finally:
        port_mod(b, 2, 0, ofp.OFPPC_NO_FWD)
    # Had it let the frame or the sentinel out, they would be first here.
    b.outputs(f, {2: [f], 3: [f]})
    port_mod(b, 2, ofp.OFPPC_NO_RECV, ofp.OFPPC_NO_RECV)
    before = b.of.tables()[0]
    try:
        for _ in range(3):
            b.port[2].send(f)
        b.outputs(f, {2: [f], 3: [f]})  # of port 1
    finally:
        port_mod(b, 2, 0, ofp.OFPPC_NO_RECV)
    equal("lookups", b.of.tables()[0][0] - before[0], 3)


@behaviour("port-mod")
def a_port_may_be_told_to_make_no_packet_ins(b):
    f = octets(TCP4)
    one_flow(b, [output(CONTROLLER, WHOLE)])
    b.outputs(f, {}, [f])
    port_mod(b, 2, ofp.OFPPC_NO_PACKET_IN, ofp.OFPPC_NO_PACKET_IN)
    try:
        b.through(f, f, f, into=2, to_controller=False)
        b.outputs(f, {}, [f])
    finally:
        port_mod(b, 2, 0, ofp.OFPPC_NO_PACKET_IN)
    b.outputs(f, {}, [f], into=2)


def down(b, number):
    port_mod(b, number, ofp.OFPPC_PORT_DOWN, ofp.OFPPC_PORT_DOWN)


def up(b, number):
    port_mod(b, number, 0, ofp.OFPPC_PORT_DOWN)
    deadline = time.monotonic() + 5
    while any(p.port_no == number and p.state & ofp.OFPPS_LINK_DOWN for p in b.of.request(parser.OFPPortDescStatsRequest(VERSION))):
        if time.monotonic() > deadline:
            raise Failure("port %d does not come up again" % number)


# --- groups ----------------------------------------------------------------------------------------------------------

def bucket(*actions, **more):
    return {"OFPBucket": {"actions": list(actions)} | more}


def group(number, kind, *buckets, command=0):
    return {"OFPGroupMod": {"command": command, "type": kind, "group_id": number, "buckets": list(buckets)}}


GROUP_ALL, GROUP_SELECT, GROUP_INDIRECT, GROUP_FAILOVER = range(4)


@behaviour("group all")
def each_bucket_has_its_own_copy(b):
    f = TCP4
    b.install([message_of(m) for m in (
        group(1, GROUP_ALL, bucket(setting("ipv4_dst", "10.0.0.9"), output(2)), bucket(output(3)),
              bucket(action("PushVlan", ethertype=0x8100), output(2))),
        flow([oxm("eth_type", 0x800)], does(group_action(1))))])
    b.outputs(octets(f), {2: [octets(put(f, "ipv4_dst", "10.0.0.9")), octets(tagged(f, layer("vlan", vid=0, pcp=0)))], 3: [octets(f)]})
    got = b.of.request(parser.OFPGroupStatsRequest(VERSION, 0, 1))
    size = len(octets(f))
    equal("counters", [(g.group_id, g.ref_count, g.packet_count, g.byte_count) for g in got], [(1, 1, 1, size)])
    equal("of buckets", [(s.packet_count, s.byte_count) for s in got[0].bucket_stats], [(1, size)] * 3)


@behaviour("group all")
def what_follows_a_group_has_the_packet_of_before(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (
        group(1, GROUP_ALL, bucket(setting("eth_dst", "02:00:00:00:00:13"), output(2))), flow([], does(group_action(1), output(3))))])
    b.outputs(f, {2: [octets(put(TCP4, "eth_dst", "02:00:00:00:00:13"))], 3: [f]})


@behaviour("group all")
def the_port_of_ingress_is_left_out(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (group(1, GROUP_ALL, *[bucket(output(n)) for n in (1, 2, 3)]), flow([], does(group_action(1))))])
    b.outputs(f, {2: [f], 3: [f]})


@behaviour("group indirect")
def an_indirect_group_is_its_bucket(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (group(7, GROUP_INDIRECT, bucket(action("DecNwTtl"), output(2))),
                                       flow([oxm("eth_type", 0x800)], does(group_action(7))))])
    b.outputs(f, {2: [octets(changed(TCP4, 1, ttl=59))]})
    b.of.send(message_of(group(7, GROUP_INDIRECT, bucket(output(3)), command=ofp.OFPGC_MODIFY)))
    b.of.barrier()
    b.outputs(f, {3: [f]})


@behaviour("group chain")
def groups_go_to_groups(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (
        group(1, GROUP_INDIRECT, bucket(setting("eth_src", "02:00:00:00:00:14"), output(2))),
        group(2, GROUP_ALL, bucket(group_action(1)), bucket(output(3))), flow([], does(group_action(2))))])
    b.outputs(f, {2: [octets(put(TCP4, "eth_src", "02:00:00:00:00:14"))], 3: [f]})


def kinds_of_flows():
    """(name, a frame by number): flows that differ in one thing alone."""
    def number(field, pattern):
        return lambda f, i: put(f, field, pattern % i if isinstance(pattern, str) else pattern + i)
    for name, f, vary in (
            ("Ethernet source", TCP4, number("eth_src", "02:00:00:00:10:%02x")), ("Ethernet destination", TCP6, number("eth_dst", "02:00:00:00:11:%02x")),
            ("IPv4 source", TCP4, number("ipv4_src", "10.1.7.%d")), ("IPv4 destination", TCP4, number("ipv4_dst", "10.2.7.%d")),
            ("IPv6 source", TCP6, number("ipv6_src", "fd00:1::%x")), ("IPv6 destination", TCP6, number("ipv6_dst", "fd00:2::%x")),
            ("TCP source", TCP4, number("tcp_src", 2000)), ("TCP destination", TCP6, number("tcp_dst", 3000)),
            ("ARP sender", ARP, number("arp_spa", "10.3.7.%d")), ("ARP target", ARP, number("arp_tpa", "10.4.7.%d"))):
        yield name, [octets(vary(f, i)) for i in range(200)]


@behaviour("group select")
def buckets_have_their_shares_of_flows_of_every_kind(b):
    b.install([message_of(m) for m in (
        group(1, GROUP_SELECT, bucket(output(2), weight=1), bucket(output(3), weight=1)), flow([], does(group_action(1))))])
    sums = {2: 0, 3: 0}
    for name, frames in kinds_of_flows():
        out, _ = b.outcome(*frames)
        equal(name + ": frames in all", sorted(out[2] + out[3]), sorted(frames))
        if min(len(out[2]), len(out[3])) < 60:
            raise Failure("%s: %d of 200 flows go to port 2" % (name, len(out[2])))
        again, _ = b.outcome(*frames)
        equal(name + " again", (again[2], again[3]), (out[2], out[3]))
        for n in sums:
            sums[n] += len(out[n])
    if abs(sums[2] - sums[3]) > 0.1 * (sums[2] + sums[3]):
        raise Failure("2000 flows of the same weight: %s" % sums)


@behaviour("group select")
def shares_follow_weights_and_the_loss_of_a_port(b):
    frames = [octets(put(put(TCP4, "tcp_src", 1000 + i), "ipv4_src", "10.7.%d.%d" % (i % 7, i % 200))) for i in range(400)]
    b.install([message_of(m) for m in (
        group(1, GROUP_SELECT, bucket(output(2), weight=1, watch_port=2), bucket(output(3), weight=3)), flow([], does(group_action(1))))])
    out, _ = b.outcome(*frames)
    if abs(len(out[2]) - 100) > 40:
        raise Failure("%d of 400 flows have a quarter of the weight" % len(out[2]))
    down(b, 2)
    try:
        equal("without port 2", sorted(b.through(*frames, of=(1, 3))[3]), sorted(frames))
    finally:
        up(b, 2)


@behaviour("group ff")
def failover_follows_the_state_of_ports(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (
        group(1, GROUP_FAILOVER, bucket(output(2), watch_port=2), bucket(output(3), watch_port=3)), flow([], does(group_action(1))))])
    b.outputs(f, {2: [f]})
    b.of.events.clear()
    down(b, 2)
    try:
        if not any(m.msg_type == ofp.OFPT_PORT_STATUS and m.desc.port_no == 2 and m.reason == ofp.OFPPR_MODIFY for m in b.of.events):
            b.of.wait(lambda m: m.msg_type == ofp.OFPT_PORT_STATUS)
        equal("port 3", b.through(f, of=(1, 3))[3], [f])
    finally:
        up(b, 2)
    b.outputs(f, {2: [f]})


@behaviour("group ff")
def failover_follows_groups(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (
        group(1, GROUP_FAILOVER, bucket(output(2), watch_port=2)),
        group(2, GROUP_FAILOVER, bucket(group_action(1), watch_group=1), bucket(output(3), watch_port=3)), flow([], does(group_action(2))))])
    b.outputs(f, {2: [f]})
    b.of.send(message_of(group(1, GROUP_FAILOVER, command=ofp.OFPGC_MODIFY)))
    b.of.barrier()
    b.outputs(f, {3: [f]})


@behaviour("group delete")
def a_group_takes_its_entries_with_it(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (group(1, GROUP_ALL, bucket(output(2))), group(2, GROUP_ALL, bucket(output(2))),
                                       flow([], does(group_action(1)), flags=ofp.OFPFF_SEND_FLOW_REM, cookie=1),
                                       flow([oxm("in_port", 3)], does(group_action(2)), flags=ofp.OFPFF_SEND_FLOW_REM, cookie=2))])
    b.of.events.clear()
    b.of.send(message_of(group(1, GROUP_ALL, command=ofp.OFPGC_DELETE)))
    b.of.barrier()
    equal("entries", sorted(f.cookie for f in b.of.flows()), [2, SENTINEL_COOKIE])
    equal("groups", [g.group_id for g in b.of.request(parser.OFPGroupDescStatsRequest(VERSION, 0))], [2])
    b.outputs(f, {})
    told = [m for m in b.of.events if m.msg_type == ofp.OFPT_FLOW_REMOVED] or [b.of.wait(lambda m: m.msg_type == ofp.OFPT_FLOW_REMOVED)]
    equal("events", [(m.cookie, m.reason) for m in told], [(1, ofp.OFPRR_GROUP_DELETE)])


# --- meters ----------------------------------------------------------------------------------------------------------

def meter(number, flags, *bands, command=0):
    return {"OFPMeterMod": {"command": command, "flags": flags, "meter_id": number, "bands": list(bands)}}


def drop(rate, burst=0):
    return {"OFPMeterBandDrop": {"rate": rate, "burst_size": burst}}


def remark(rate, level, burst=0):
    return {"OFPMeterBandDscpRemark": {"rate": rate, "burst_size": burst, "prec_level": level}}


def offer(b, frame, seconds, each):
    """Sends `each` frames every 2 ms. Returns the frames sent, what came out of port 2, and the seconds that it took at
    least and at most, as the switch saw it."""
    start, sent, out = time.monotonic(), 0, []
    while (now := time.monotonic() - start) < seconds:
        while sent < now / 0.002 * each:
            b.port[1].send(frame)
            sent += 1
        while (data := b.port[2].receive(0)) is not None:
            out.append(data)
        time.sleep(0.002)
    return sent, out + b.through()[2], (now, time.monotonic() - start)


def metered(b, flags, band, frame):
    """As offer(), and the statistics of the band."""
    b.install([message_of(m) for m in (meter(1, flags | ofp.OFPMF_STATS, band),
                                       flow([oxm("in_port", 1)], [{"OFPInstructionMeter": {"meter_id": 1}}] + does(output(2))))])
    got = b.of.request(parser.OFPMeterConfigStatsRequest(VERSION))
    wanted = message_of(meter(1, flags | ofp.OFPMF_STATS, band))
    equal("the meter read back", [(m.meter_id, m.flags, [str(x) for x in m.bands]) for m in got],
          [(1, wanted.flags, [str(x) for x in wanted.bands])])
    sent, out, took = offer(b, frame, 0.6, 8)
    stats = b.of.request(parser.OFPMeterStatsRequest(VERSION, 0, 1))[0]
    equal("meter's packets and bytes", (stats.packet_in_count, stats.byte_in_count, stats.flow_count), (sent, sent * len(frame), 1))
    return sent, out, took, stats.band_stats[0]


def at_rate(got, burst, rate, took):
    if not 0.9 * (burst + rate * took[0]) <= got <= 1.1 * (burst + rate * took[1]):
        raise Failure("%d in %g to %g s, wanted %d/s after %d" % (got, *took, rate, burst))


@behaviour("meter drop")
@patient
def packets_beyond_the_rate_are_dropped_and_counted(b):
    frame = octets(TCP4)
    sent, out, took, band = metered(b, ofp.OFPMF_PKTPS | ofp.OFPMF_BURST, drop(1000, 400), frame)
    at_rate(len(out), 400, 1000, took)
    equal("the band's packets and bytes", (band.packet_band_count, band.byte_band_count), (sent - len(out), (sent - len(out)) * len(frame)))


@behaviour("meter drop")
@patient
def bits_beyond_the_rate_are_dropped_and_counted(b):
    frame = octets(TCP4[:-1] + [bytes(1446)])
    sent, out, took, band = metered(b, ofp.OFPMF_KBPS | ofp.OFPMF_BURST, drop(12000, 4800), frame)
    at_rate(8 * len(frame) * len(out) / 1000, 4800, 12000, took)
    equal("the band's packets", band.packet_band_count, sent - len(out))


@behaviour("meter drop")
@patient
def a_meter_without_a_burst_is_never_above_its_rate(b):
    _, out, took, _ = metered(b, ofp.OFPMF_PKTPS, drop(1000), octets(ARP))
    # What passes at once is the switch's choice, and small; below the rate it is if the worker has to wait for its CPU.
    if not 100 < len(out) <= 1.1 * (100 + 1000 * took[1]):
        raise Failure("%d packets in %g s" % (len(out), took[1]))


@behaviour("meter dscp_remark")
@patient
def packets_beyond_the_rate_are_remarked(b):
    for f, dscp, after in ((TCP4, 26, 28), (TCP6, 10, 12), (TCP4, 24, 16)):
        low, high = octets(put(f, "ip_dscp", dscp)), octets(put(f, "ip_dscp", after))
        sent, out, took, band = metered(b, ofp.OFPMF_PKTPS | ofp.OFPMF_BURST, remark(1000, 1, 400), low)
        equal("frames", (len(out), set(out)), (sent, {low, high}))
        at_rate(out.count(low), 400, 1000, took)
        equal("the band's packets", band.packet_band_count, out.count(high))
    frame = octets(ARP)  # has nothing to remark
    sent, out, _, _ = metered(b, ofp.OFPMF_PKTPS, remark(1000, 1), frame)
    equal("frames without a DSCP", out, [frame] * sent)


@behaviour("meter delete")
def a_meter_takes_its_entries_with_it(b):
    b.install([message_of(m) for m in (meter(3, ofp.OFPMF_KBPS, drop(1000)),
                                       flow([], [{"OFPInstructionMeter": {"meter_id": 3}}] + does(output(2))))])
    b.of.send(message_of(meter(3, ofp.OFPMF_KBPS, command=ofp.OFPMC_DELETE)))
    b.of.barrier()
    equal("entries", [f.cookie for f in b.of.flows()], [SENTINEL_COOKIE])
    equal("meters", b.of.request(parser.OFPMeterConfigStatsRequest(VERSION)), [])


# --- entries ---------------------------------------------------------------------------------------------------------

def others(b):
    return [f for f in b.of.flows() if f.cookie != SENTINEL_COOKIE]


@behaviour("flow counters")
def counters_are_there_at_once(b):
    f = octets(TCP4)
    b.install([message_of(m) for m in (flow([oxm("in_port", 1)], [goto(1)], cookie=1),
                                       flow([oxm("eth_type", 0x800)], does(output(2)), table_id=1, cookie=2),
                                       flow([oxm("eth_type", 0x806)], does(output(2)), table_id=1, cookie=3))])
    ports = {s.port_no: s for s in b.of.request(parser.OFPPortStatsRequest(VERSION, 0, ofp.OFPP_ANY))}
    for n in (1, 5, 100):
        before = {s.cookie: (s.packet_count, s.byte_count) for s in others(b)}
        tables = b.of.tables()
        b.outcome(*[f] * n)
        after = {s.cookie: (s.packet_count, s.byte_count) for s in others(b)}
        equal("%d packets" % n, {c: (after[c][0] - before[c][0], after[c][1] - before[c][1]) for c in after},
              {1: (n, n * len(f)), 2: (n, n * len(f)), 3: (0, 0)})
        equal("lookups and matches", [tuple(y - x for x, y in zip(tables[t], b.of.tables()[t])) for t in (0, 1)], [(n + 2, n + 2), (n, n)])
    total = b.of.request(parser.OFPAggregateStatsRequest(VERSION, 0, 1, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, parser.OFPMatch()))
    equal("aggregate", (total.packet_count, total.byte_count, total.flow_count), (106, 106 * len(f), 2))
    now = {s.port_no: s for s in b.of.request(parser.OFPPortStatsRequest(VERSION, 0, ofp.OFPP_ANY))}
    equal("of ports", (now[1].rx_packets - ports[1].rx_packets, now[2].tx_packets - ports[2].tx_packets), (112, 112))


@behaviour("flow timeouts")
def entries_go_by_their_timeouts(b):
    b.install([message_of(m) for m in (
        flow([oxm("in_port", 2)], does(output(1)), cookie=1, idle_timeout=1, flags=ofp.OFPFF_SEND_FLOW_REM),
        flow([oxm("in_port", 1)], does(output(2)), cookie=2, hard_timeout=1, flags=ofp.OFPFF_SEND_FLOW_REM, priority=9),
        flow([oxm("in_port", 3)], does(output(2)), cookie=3, hard_timeout=1))])
    b.of.events.clear()
    f, start = octets(TCP4), time.monotonic()
    b.outputs(f, {2: [f]})
    gone = {}
    while len(gone) < 2:
        m = b.of.wait(lambda m: m.msg_type == ofp.OFPT_FLOW_REMOVED)
        gone[m.cookie] = m
        if time.monotonic() - start < 0.9:
            raise Failure("too early")
    if time.monotonic() - start > 3:
        raise Failure("too late")
    equal("reasons", {c: m.reason for c, m in gone.items()}, {1: ofp.OFPRR_IDLE_TIMEOUT, 2: ofp.OFPRR_HARD_TIMEOUT})
    m = gone[2]
    equal("what is told", (m.packet_count, m.byte_count, m.priority, m.table_id, m.hard_timeout, m.match["in_port"]), (1, len(f), 9, 0, 1, 1))
    b.outputs(f, {})


@behaviour("flow-mod")
def adding_again_replaces_and_keeps_counters_unless_told(b):
    f = octets(TCP4)
    one_flow(b, [output(2)], [oxm("in_port", 1)], cookie=1, flags=ofp.OFPFF_SEND_FLOW_REM)
    b.outputs(f, {2: [f]})
    b.of.events.clear()
    b.of.send(message_of(flow([oxm("in_port", 1)], does(output(3)), cookie=2, idle_timeout=100)))
    b.of.barrier()
    equal("entry", [(s.cookie, s.packet_count, s.idle_timeout, s.flags) for s in others(b)], [(2, 1, 100, 0)])
    equal("events", [m.msg_type for m in b.of.events], [])
    b.outputs(f, {3: [f]})
    b.of.send(message_of(flow([oxm("in_port", 1)], does(output(3)), cookie=3, flags=ofp.OFPFF_RESET_COUNTS)))
    equal("entry", [(s.cookie, s.packet_count) for s in others(b)], [(3, 0)])


def changes(b, command, fields, **more):
    b.of.send(message_of(flow(fields, more.pop("instructions", []), command=command, **{"out_port": ofp.OFPP_ANY, "out_group": ofp.OFPG_ANY} | more)))
    b.of.barrier()


def three(b):
    b.install([message_of(m) for m in (
        flow([oxm("in_port", 1)], does(output(2)), cookie=0x11, priority=5),
        flow([oxm("in_port", 1), oxm("eth_type", 0x800)], does(output(3)), cookie=0x12, priority=6),
        flow([oxm("eth_type", 0x800)], does(output(2)), cookie=0x23, priority=7, table_id=2))])


@behaviour("flow-mod")
def modify_and_delete_reach_what_they_name(b):
    ip, in_port = oxm("eth_type", 0x800), oxm("in_port", 1)
    for name, arguments, left in (
            ("all of a table", ([], {}), {0x23}), ("all", ([], {"table_id": 255}), set()),
            ("loose", ([in_port], {"table_id": 255}), {0x23}), ("strict", ([in_port], {"command": 4, "priority": 5}), {0x12, 0x23}),
            ("strict of another priority", ([in_port], {"command": 4, "priority": 6}), {0x11, 0x12, 0x23}),
            ("by port", ([], {"table_id": 255, "out_port": 3}), {0x11, 0x23}),
            ("by cookie", ([], {"table_id": 255, "cookie": 0x10, "cookie_mask": 0xf0}), {0x23}),
            ("by match in all tables", ([ip], {"table_id": 255}), {0x11})):
        three(b)
        fields, more = arguments
        changes(b, **{"command": ofp.OFPFC_DELETE, "fields": fields} | more)
        equal("deleting " + name, {f.cookie for f in others(b)}, left)
    three(b)
    changes(b, ofp.OFPFC_MODIFY, [in_port], instructions=does(output(1)))
    equal("modified", {f.cookie: f.instructions[0].actions[0].port for f in others(b)}, {0x11: 1, 0x12: 1, 0x23: 2})
    changes(b, ofp.OFPFC_MODIFY_STRICT, [in_port], priority=5, instructions=does(output(3)))
    equal("modified strictly", {f.cookie: f.instructions[0].actions[0].port for f in others(b)}, {0x11: 3, 0x12: 1, 0x23: 2})


@behaviour("flow-mod")
def a_barrier_orders_changes_and_packets(b):
    f = octets(TCP4)
    b.install([])
    for port in itertools.islice(itertools.cycle((2, 3)), 100):
        b.of.send(message_of(flow([oxm("in_port", 1)], does(output(port)))))
        b.of.barrier()
        b.outputs(f, {port: [f]})
