# SPDX-License-Identifier: BSD-3-Clause
"""Every multipart, roles, asynchronous messages, and the errors that depend on what a switch has: as functions like those of
openflow_behaviour.py."""
import struct

from os_ken.ofproto import ofproto_v1_3 as ofp, ofproto_v1_3_parser as parser

from openflow_behaviour import ALL, GROUP_ALL, GROUP_FAILOVER, GROUP_INDIRECT, GROUP_SELECT, NO_BUFFER, behaviour, bucket, does, drop, equal, \
    group, meter, octets, others, remark
from openflow_cases import CONTROLLER, TCP4, WHOLE, action, actions_instruction, flow, goto, group_action, output, oxm, setting
from openflow_frames import changed
from openflow_tester import SENTINEL_COOKIE, VERSION, Failure, message_of

MODIFY, DELETE = 1, 2


# --- multiparts ------------------------------------------------------------------------------------------------------

@behaviour("multipart desc")
def the_switch_describes_itself(b):
    d = b.of.request(parser.OFPDescStatsRequest(VERSION, 0))
    if not d.mfr_desc or not d.sw_desc or not d.dp_desc:
        raise Failure("%s" % d)


@behaviour("features")
def features_say_what_there_is(b):
    f = b.of.features
    wanted = ofp.OFPC_FLOW_STATS | ofp.OFPC_TABLE_STATS | ofp.OFPC_PORT_STATS | ofp.OFPC_GROUP_STATS
    equal("tables, auxiliary id", (f.n_tables, f.auxiliary_id), (254, 0))
    equal("capabilities", f.capabilities & wanted, wanted)


@behaviour("multipart port-desc")
def ports_are_described(b):
    ports = {p.port_no: p for p in b.of.request(parser.OFPPortDescStatsRequest(VERSION))}
    equal("numbers", sorted(n for n in ports if n <= ofp.OFPP_MAX), [1, 2, 3])
    for n in (1, 2, 3):
        equal("state of port %d" % n, (ports[n].config, ports[n].state & ofp.OFPPS_LINK_DOWN), (0, 0))
        if not ports[n].name or ports[n].hw_addr == "00:00:00:00:00:00":
            raise Failure("port %d: %s" % (n, ports[n]))


@behaviour("multipart port")
def ports_have_statistics_of_their_own(b):
    one = b.of.request(parser.OFPPortStatsRequest(VERSION, 0, 2))
    equal("of one", [s.port_no for s in one], [2])
    every = b.of.request(parser.OFPPortStatsRequest(VERSION, 0, ofp.OFPP_ANY))
    equal("of all", sorted(s.port_no for s in every if s.port_no <= ofp.OFPP_MAX), [1, 2, 3])


@behaviour("multipart flow")
def entries_are_found_by_what_they_have(b):
    b.install([message_of(m) for m in (
        group(1, GROUP_ALL, bucket(output(2))), flow([oxm("in_port", 1)], does(output(2)), cookie=0x11, priority=5, idle_timeout=7, hard_timeout=9),
        flow([oxm("in_port", 1), oxm("eth_type", 0x800)], does(group_action(1)), cookie=0x12, flags=ofp.OFPFF_SEND_FLOW_REM),
        flow([], does(output(3)), table_id=253, cookie=0x23))])

    def found(table=ofp.OFPTT_ALL, port=ofp.OFPP_ANY, number=ofp.OFPG_ANY, cookie=(0, 0), **match):
        got = b.of.request(parser.OFPFlowStatsRequest(VERSION, 0, table, port, number, *cookie, parser.OFPMatch(**match)))
        return {f.cookie for f in got} - {SENTINEL_COOKIE}
    equal("all", found(), {0x11, 0x12, 0x23})
    equal("a table", found(253), {0x23})
    equal("an empty table", found(9), set())
    equal("out_port", found(port=3), {0x23})
    equal("out_group", found(number=1), {0x12})
    equal("cookie", found(cookie=(0x10, 0xf0)), {0x11, 0x12})
    equal("match", found(in_port=1), {0x11, 0x12})
    equal("a match of two", found(in_port=1, eth_type=0x800), {0x12})
    a = b.of.request(parser.OFPAggregateStatsRequest(VERSION, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0x10, 0xf0, parser.OFPMatch()))
    equal("aggregate", (a.flow_count, a.packet_count, a.byte_count), (2, 0, 0))


@behaviour("multipart flow")
def entries_grow_old(b):
    def age():
        return {f.cookie: f.duration_sec + f.duration_nsec / 1e9 for f in others(b)}
    b.install([message_of(flow([], does(output(2)), cookie=n, table_id=n, hard_timeout=9)) for n in (1, 2)])
    before = age()
    if not all(0 <= seconds < 5 for seconds in before.values()):
        raise Failure("ages %s" % before)
    # A change leaves the age as it is, and a replacement begins anew; so do timeouts.
    b.of.send(message_of(flow([], does(output(3)), command=ofp.OFPFC_MODIFY_STRICT, table_id=1)),
              message_of(flow([], does(output(3)), cookie=2, table_id=2)))
    b.of.barrier()
    after = age()
    if not after[1] > before[1] or not after[2] < after[1]:
        raise Failure("ages %s, then %s" % (before, after))
    equal("timeouts", {f.cookie: f.hard_timeout for f in others(b)}, {1: 9, 2: 0})


@behaviour("multipart flow")
def full_and_empty_masks_are_none(b):
    b.install([])
    b.of.send(message_of(flow([oxm("eth_dst", "00:00:00:00:00:00", "00:00:00:00:00:00"), oxm("eth_src", "02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"),
                                oxm("vlan_vid", 0x1064, 0x1fff), oxm("metadata", 0x10, 0xf0)], does(output(2)))))
    b.of.barrier()
    equal("fields", [list(f.match.items()) for f in others(b)],
          [[("metadata", (0x10, 0xf0)), ("eth_src", "02:00:00:00:00:01"), ("vlan_vid", 0x1064)]])


@behaviour("multipart flow")
def a_thousand_entries_come_in_parts(b):
    b.install([message_of(flow([oxm("eth_type", 0x800), oxm("ipv4_src", "10.0.%d.%d" % divmod(i, 256))], does(output(2)), cookie=i))
               for i in range(1000)])
    equal("cookies", sorted(f.cookie for f in others(b)), list(range(1000)))


@behaviour("multipart table")
def tables_count_their_entries(b):
    b.install([message_of(flow([oxm("in_port", n)], does(output(2)), table_id=t)) for n, t in ((1, 0), (2, 0), (1, 5))])
    tables = b.of.request(parser.OFPTableStatsRequest(VERSION, 0))
    equal("numbers", [t.table_id for t in tables], list(range(254)))
    equal("entries", [tables[t].active_count for t in (0, 1, 5)], [3, 0, 1])  # one is of sentinels


@behaviour("multipart table-features")
def tables_tell_their_features(b):
    tables = b.of.request(parser.OFPTableFeaturesStatsRequest(VERSION, 0, []))
    equal("numbers", [t.table_id for t in tables], list(range(254)))
    t = tables[0]
    kinds = {p.type: p for p in t.properties}
    equal("instructions", sorted(i.type for i in kinds[ofp.OFPTFPT_INSTRUCTIONS].instruction_ids), [1, 2, 3, 4, 5, 6])
    equal("the last table's next ones", [p.table_ids for p in tables[253].properties if p.type == ofp.OFPTFPT_NEXT_TABLES], [[]])
    fields = {x.type for x in kinds[ofp.OFPTFPT_MATCH].oxm_ids}
    if len(fields) != 40:
        raise Failure("%d fields can be matched: %s" % (len(fields), fields))
    actions = {a.type for a in kinds[ofp.OFPTFPT_APPLY_ACTIONS].action_ids}
    equal("actions", actions, {0, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27})


@behaviour("multipart table-features")
def what_was_told_of_tables_may_be_asked_for(b):
    tables = b.of.request(parser.OFPTableFeaturesStatsRequest(VERSION, 0, []))[:5]
    again = b.of.request(parser.OFPTableFeaturesStatsRequest(VERSION, 0, tables))
    wanted = [(t.table_id, t.name, t.max_entries, [p.type for p in t.properties]) for t in tables]
    equal("tables", [(t.table_id, t.name, t.max_entries, [p.type for p in t.properties]) for t in again[:5]], wanted)
    tables[0].table_id = 254
    wrong = b.of.bytes_of(parser.OFPTableFeaturesStatsRequest(VERSION, 0, tables))
    equal("a table that is not there", b.of.refusal(wrong), (ofp.OFPET_TABLE_FEATURES_FAILED, ofp.OFPTFFC_BAD_TABLE))


@behaviour("multipart queue")
def queues_are_asked_for(b):
    b.of.request(parser.OFPQueueStatsRequest(VERSION, 0, ofp.OFPP_ANY, ofp.OFPQ_ALL))
    b.of.request(parser.OFPQueueGetConfigRequest(VERSION, ofp.OFPP_ANY))


@behaviour("multipart group")
def groups_are_told_as_they_were_given(b):
    given = [group(1, GROUP_ALL, bucket(setting("eth_dst", "02:00:00:00:00:21"), output(2)), bucket(output(3))),
             group(2, GROUP_SELECT, bucket(output(2), weight=3), bucket(output(3), weight=1)),
             group(3, GROUP_INDIRECT, bucket(output(2))),
             group(0xffffff00, GROUP_FAILOVER, bucket(output(2), watch_port=2), bucket(group_action(1), watch_group=1)),
             group(5, GROUP_ALL)]
    b.install([message_of(g) for g in given])
    got = {g.group_id: g for g in b.of.request(parser.OFPGroupDescStatsRequest(VERSION, 0))}
    for g in map(message_of, given):
        g.set_xid(0), g.serialize()  # fills in the lengths
        equal("group %d" % g.group_id, (got[g.group_id].type, str(got[g.group_id].buckets)), (g.type, str(g.buckets)))
    stats = b.of.request(parser.OFPGroupStatsRequest(VERSION, 0, ofp.OFPG_ALL))
    equal("statistics", {g.group_id: (g.ref_count, len(g.bucket_stats)) for g in stats},
          {1: (1, 2), 2: (0, 2), 3: (0, 1), 0xffffff00: (0, 2), 5: (0, 0)})
    equal("of one that is not there", b.of.request(parser.OFPGroupStatsRequest(VERSION, 0, 77)), [])
    f = b.of.request(parser.OFPGroupFeaturesStatsRequest(VERSION, 0))
    equal("types", f.types, 0xf)
    wanted = ofp.OFPGFC_SELECT_WEIGHT | ofp.OFPGFC_SELECT_LIVENESS | ofp.OFPGFC_CHAINING | ofp.OFPGFC_CHAINING_CHECKS
    equal("capabilities", f.capabilities, wanted)
    equal("actions", [sorted(i for i in range(32) if a >> i & 1) for a in f.actions],
          [[0, 11, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]] * 4)


@behaviour("multipart meter")
def meters_are_told_as_they_were_given(b):
    given = [meter(1, ofp.OFPMF_KBPS, drop(100)), meter(2, ofp.OFPMF_PKTPS | ofp.OFPMF_BURST, remark(5, 1, 7), drop(9, 8)),
             meter(0x10, ofp.OFPMF_KBPS | ofp.OFPMF_STATS)]
    b.install([message_of(m) for m in given])
    got = {m.meter_id: m for m in b.of.request(parser.OFPMeterConfigStatsRequest(VERSION))}
    for m in map(message_of, given):
        equal("meter %d" % m.meter_id, (got[m.meter_id].flags, str(got[m.meter_id].bands)), (m.flags, str(m.bands)))
    stats = b.of.request(parser.OFPMeterStatsRequest(VERSION, 0, ofp.OFPM_ALL))
    equal("statistics", {m.meter_id: (m.flow_count, m.packet_in_count, len(m.band_stats)) for m in stats}, {1: (0, 0, 1), 2: (0, 0, 2), 0x10: (0, 0, 0)})
    f = b.of.request(parser.OFPMeterFeaturesStatsRequest(VERSION, 0))[0]
    equal("bands", f.band_types, 1 << ofp.OFPMBT_DROP | 1 << ofp.OFPMBT_DSCP_REMARK)
    wanted = ofp.OFPMF_KBPS | ofp.OFPMF_PKTPS | ofp.OFPMF_BURST | ofp.OFPMF_STATS
    equal("capabilities", f.capabilities, wanted)
    if f.max_meter < 1000 or f.max_bands < 2:
        raise Failure("%s" % f)


# --- what controllers are ----------------------------------------------------------------------------------------------

def role(b, wanted, generation=0):
    answer = b.of.request(parser.OFPRoleRequest(VERSION, wanted, generation))
    return answer.role, answer.generation_id


@behaviour("roles")
def a_slave_changes_nothing_and_gets_no_packet_ins(b):
    frame = octets(TCP4)
    b.install([message_of(flow([oxm("in_port", 1)], does(output(2), output(CONTROLLER, WHOLE))))])
    equal("at first", role(b, ofp.OFPCR_ROLE_NOCHANGE)[0], ofp.OFPCR_ROLE_EQUAL)
    first = (role(b, ofp.OFPCR_ROLE_NOCHANGE)[1] + 1) % 2 ** 64
    try:
        equal("slave", role(b, ofp.OFPCR_ROLE_SLAVE, first), (ofp.OFPCR_ROLE_SLAVE, first))
        for message in (message_of(flow([], [])), message_of(group(9, GROUP_ALL)), message_of(meter(9, ofp.OFPMF_KBPS, drop(5))),
                        parser.OFPPacketOut(VERSION, NO_BUFFER, ofp.OFPP_CONTROLLER, [], frame), parser.OFPTableMod(VERSION, 0, 0)):
            equal("of a slave, %s" % type(message).__name__, b.of.refusal(b.of.bytes_of(message)), (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_IS_SLAVE))
        equal("entries", len(b.of.flows()), 2)
        equal("port 2", b.through(frame, to_controller=False)[2], [frame])
        b.of.barrier()
        equal("packet-ins", b.of.packet_ins, [])
        equal("stale", b.of.refusal(b.of.bytes_of(parser.OFPRoleRequest(VERSION, ofp.OFPCR_ROLE_MASTER, (first - 1) % 2 ** 64))),
              (ofp.OFPET_ROLE_REQUEST_FAILED, ofp.OFPRRFC_STALE))
        equal("master", role(b, ofp.OFPCR_ROLE_MASTER, (first + 5) % 2 ** 64), (ofp.OFPCR_ROLE_MASTER, (first + 5) % 2 ** 64))
    finally:
        role(b, ofp.OFPCR_ROLE_EQUAL)
    b.outputs(frame, {2: [frame]}, [frame])


@behaviour("async")
def what_is_told_is_chosen(b):
    frame = octets(TCP4)
    before = b.of.request(parser.OFPGetAsyncRequest(VERSION))
    masks = {"packet_in_mask": [3, 0], "port_status_mask": [7, 7], "flow_removed_mask": [0, 0]}
    b.install([message_of(flow([oxm("in_port", 1)], does(output(CONTROLLER, WHOLE)), flags=ofp.OFPFF_SEND_FLOW_REM))])
    b.of.send(parser.OFPSetAsync(VERSION, **masks))
    got = b.of.request(parser.OFPGetAsyncRequest(VERSION))
    equal("as set", (got.packet_in_mask, got.port_status_mask, got.flow_removed_mask), tuple(masks.values()))
    b.of.events.clear()
    b.install([])
    equal("events", b.of.events, [])
    b.install([message_of(flow([], does(output(CONTROLLER, WHOLE)), priority=0))])
    b.outputs(frame, {}, [frame])
    b.of.send(parser.OFPSetAsync(VERSION, before.packet_in_mask, before.port_status_mask, before.flow_removed_mask))


@behaviour("config")
def fragments_and_miss_send_len_are_configured(b):
    before = b.of.request(parser.OFPGetConfigRequest(VERSION))
    b.of.send(parser.OFPSetConfig(VERSION, before.flags, 77))
    equal("as set", b.of.request(parser.OFPGetConfigRequest(VERSION)).miss_send_len, 77)
    b.of.send(parser.OFPSetConfig(VERSION, before.flags, before.miss_send_len))


@behaviour("config")
def fragments_pass_or_are_dropped_as_configured(b):
    before = b.of.request(parser.OFPGetConfigRequest(VERSION))
    first, later, whole = octets(changed(TCP4, 1, flags=1)), octets(changed(TCP4, 1, offset=100)), octets(TCP4)
    b.install([message_of(flow([oxm("eth_type", 0x800), oxm("ip_proto", 6), oxm("tcp_dst", 2002)], does(output(3)))),
               message_of(flow([oxm("eth_type", 0x800)], does(output(2)), priority=1))])
    b.outputs(first, {3: [first]})
    b.outputs(later, {2: [later]})  # has no port that could be matched
    b.of.send(parser.OFPSetConfig(VERSION, ofp.OFPC_FRAG_DROP, before.miss_send_len))
    b.of.barrier()
    try:
        equal("flags", b.of.request(parser.OFPGetConfigRequest(VERSION)).flags, ofp.OFPC_FRAG_DROP)
        b.outputs(first, {})
        b.outputs(later, {})
        b.outputs(whole, {3: [whole]})
    finally:
        b.of.send(parser.OFPSetConfig(VERSION, before.flags, before.miss_send_len))
        b.of.barrier()
    b.outputs(later, {2: [later]})


@behaviour("echo")
def an_echo_has_the_bytes_of_its_request(b):
    for data in (b"", b"x", bytes(range(256)) * 40):
        equal("data", bytes(b.of.request(parser.OFPEchoRequest(VERSION, data)).data), data)


# --- errors ----------------------------------------------------------------------------------------------------------

def refusals():
    """(what is wrong, messages that come before, the message, type, code)."""
    action_error, instruction, match, flow_error = ofp.OFPET_BAD_ACTION, ofp.OFPET_BAD_INSTRUCTION, ofp.OFPET_BAD_MATCH, ofp.OFPET_FLOW_MOD_FAILED
    groups, meters, request = ofp.OFPET_GROUP_MOD_FAILED, ofp.OFPET_METER_MOD_FAILED, ofp.OFPET_BAD_REQUEST
    one, ip = flow([oxm("in_port", 1)], does(output(2))), oxm("eth_type", 0x800)

    def wrong(fields, *actions, **more):
        return flow(fields, does(*actions), **more)
    yield "an output to a port that cannot be", [], wrong([], output(0xffffff01)), action_error, ofp.OFPBAC_BAD_OUT_PORT
    yield "an output to ANY", [], wrong([], output(0xffffffff)), action_error, ofp.OFPBAC_BAD_OUT_PORT
    yield "an unknown group", [], wrong([], group_action(88)), action_error, ofp.OFPBAC_BAD_OUT_GROUP
    yield "a push of another type", [], wrong([], action("PushVlan", ethertype=0x1234)), action_error, ofp.OFPBAC_BAD_ARGUMENT
    yield "setting in_port", [], wrong([], setting("in_port", 3)), action_error, ofp.OFPBAC_BAD_SET_TYPE
    yield "setting what is not matched", [], wrong([], setting("ipv4_src", "10.0.0.1")), action_error, ofp.OFPBAC_MATCH_INCONSISTENT
    yield "an unknown meter", [], flow([], [{"OFPInstructionMeter": {"meter_id": 88}}]), meters, ofp.OFPMMFC_INVALID_METER
    yield "going back", [], flow([], [goto(3)], table_id=4), instruction, ofp.OFPBIC_BAD_TABLE_ID
    yield "going nowhere", [], flow([], [goto(254)]), instruction, ofp.OFPBIC_BAD_TABLE_ID
    yield "a match without what it asks for", [], flow([oxm("ipv4_src", "10.0.0.1")], []), match, ofp.OFPBMC_BAD_PREREQ
    yield "a field that comes twice", [], flow([ip, ip], []), match, ofp.OFPBMC_DUP_FIELD
    yield "a value beyond its mask", [], flow([ip, oxm("ipv4_src", "10.0.0.1", "255.0.0.0")], []), match, ofp.OFPBMC_BAD_WILDCARDS
    yield "a mask where none may be", [], flow([ip, oxm("ip_proto", 6, 7)], []), match, ofp.OFPBMC_BAD_MASK
    yield "a value that does not fit", [], flow([ip, oxm("ip_dscp", 64)], []), match, ofp.OFPBMC_BAD_VALUE
    yield "an unknown table", [], flow([], [], table_id=254), flow_error, ofp.OFPFMFC_BAD_TABLE_ID
    yield "a table of all for an addition", [], flow([], [], table_id=255), flow_error, ofp.OFPFMFC_BAD_TABLE_ID
    yield "an overlap", [one], flow([ip], [], flags=ofp.OFPFF_CHECK_OVERLAP), flow_error, ofp.OFPFMFC_OVERLAP
    yield "a command", [], flow([], [], command=5), flow_error, ofp.OFPFMFC_BAD_COMMAND
    yield "flags", [], flow([], [], flags=0x8000), flow_error, ofp.OFPFMFC_BAD_FLAGS
    yield "a buffer", [], flow([], [], buffer_id=0x7000), request, ofp.OFPBRC_BUFFER_UNKNOWN
    some = group(1, GROUP_ALL, bucket(output(2)))
    yield "a group that is there", [some], some, groups, ofp.OFPGMFC_GROUP_EXISTS
    yield "a group that is not there", [], group(1, GROUP_ALL, command=MODIFY), groups, ofp.OFPGMFC_UNKNOWN_GROUP
    yield "a number of a group", [], group(0xfffffffc, GROUP_ALL), groups, ofp.OFPGMFC_INVALID_GROUP
    yield "weights of all", [], group(1, GROUP_ALL, bucket(output(2), weight=1)), groups, ofp.OFPGMFC_INVALID_GROUP
    yield "two buckets of indirect", [], group(1, GROUP_INDIRECT, bucket(), bucket()), groups, ofp.OFPGMFC_INVALID_GROUP
    yield "no weight of select", [], group(1, GROUP_SELECT, bucket(output(2))), groups, ofp.OFPGMFC_INVALID_GROUP
    yield "a type of group", [], group(1, 4), groups, ofp.OFPGMFC_BAD_TYPE
    yield "a command for groups", [], group(1, GROUP_ALL, command=3), groups, ofp.OFPGMFC_BAD_COMMAND
    chain = [some, group(2, GROUP_ALL, bucket(group_action(1))), group(3, GROUP_ALL, bucket(group_action(2)))]
    yield "a loop", chain, group(1, GROUP_ALL, bucket(group_action(3)), command=MODIFY), groups, ofp.OFPGMFC_LOOP
    yield "itself", [some], group(1, GROUP_ALL, bucket(group_action(1)), command=MODIFY), groups, ofp.OFPGMFC_LOOP
    yield "a bucket to an unknown group", [], group(1, GROUP_ALL, bucket(group_action(77))), action_error, ofp.OFPBAC_BAD_OUT_GROUP
    thing = meter(1, ofp.OFPMF_KBPS, drop(100))
    yield "a meter that is there", [thing], thing, meters, ofp.OFPMMFC_METER_EXISTS
    yield "a meter that is not there", [], meter(1, ofp.OFPMF_KBPS, drop(100), command=MODIFY), meters, ofp.OFPMMFC_UNKNOWN_METER
    yield "a number of a meter", [], meter(0, ofp.OFPMF_KBPS, drop(100)), meters, ofp.OFPMMFC_INVALID_METER
    yield "flags of a meter", [], meter(1, ofp.OFPMF_KBPS | ofp.OFPMF_PKTPS, drop(100)), meters, ofp.OFPMMFC_BAD_FLAGS
    yield "a rate", [], meter(1, ofp.OFPMF_KBPS, drop(0)), meters, ofp.OFPMMFC_BAD_RATE
    yield "a level", [], meter(1, ofp.OFPMF_KBPS, remark(10, 0)), meters, ofp.OFPMMFC_BAD_BAND_VALUE
    yield "a command for meters", [], meter(1, ofp.OFPMF_KBPS, command=3), meters, ofp.OFPMMFC_BAD_COMMAND


@behaviour("errors of changes")
def what_cannot_be_is_refused_by_type_and_code_and_changes_nothing(b):
    for name, before, message, kind, code in refusals():
        b.install([message_of(m) for m in before])

        def state():
            return str([(f.match, f.instructions, f.priority, f.table_id) for f in b.of.flows()] +
                       b.of.request(parser.OFPGroupDescStatsRequest(VERSION, 0)) + b.of.request(parser.OFPMeterConfigStatsRequest(VERSION)))
        was = state()
        equal(name, b.of.refusal(b.of.bytes_of(message_of(message))), (kind, code))
        equal(name + ": afterwards", state(), was)


@behaviour("errors of requests")
def requests_for_what_is_not_there_are_refused(b):
    b.install([])
    request, port_mod = ofp.OFPET_BAD_REQUEST, ofp.OFPET_PORT_MOD_FAILED
    mac = next(p.hw_addr for p in b.of.request(parser.OFPPortDescStatsRequest(VERSION)) if p.port_no == 2)
    for name, message, kind, code in (
            ("statistics of a port", parser.OFPPortStatsRequest(VERSION, 0, 99), request, ofp.OFPBRC_BAD_PORT),
            ("statistics of a meter", parser.OFPMeterStatsRequest(VERSION, 0, 99), ofp.OFPET_METER_MOD_FAILED, ofp.OFPMMFC_UNKNOWN_METER),
            ("queues of a port", parser.OFPQueueStatsRequest(VERSION, 0, 99, ofp.OFPQ_ALL), ofp.OFPET_QUEUE_OP_FAILED, ofp.OFPQOFC_BAD_PORT),
            ("a queue", parser.OFPQueueStatsRequest(VERSION, 0, 1, 99), ofp.OFPET_QUEUE_OP_FAILED, ofp.OFPQOFC_BAD_QUEUE),
            ("configuration of queues", parser.OFPQueueGetConfigRequest(VERSION, 99), ofp.OFPET_QUEUE_OP_FAILED, ofp.OFPQOFC_BAD_PORT),
            ("a port", parser.OFPPortMod(VERSION, 99, mac, 0, 0, 0), port_mod, ofp.OFPPMFC_BAD_PORT),
            ("an address of a port", parser.OFPPortMod(VERSION, 2, "02:00:00:00:99:99", 0, 0, 0), port_mod, ofp.OFPPMFC_BAD_HW_ADDR),
            ("a configuration of a port", parser.OFPPortMod(VERSION, 2, mac, 0x10, 0x10, 0), port_mod, ofp.OFPPMFC_BAD_CONFIG),
            ("a table", parser.OFPTableMod(VERSION, 254, 0), ofp.OFPET_TABLE_MOD_FAILED, ofp.OFPTMFC_BAD_TABLE),
            ("a configuration of a table", parser.OFPTableMod(VERSION, 0, 8), ofp.OFPET_TABLE_MOD_FAILED, ofp.OFPTMFC_BAD_CONFIG),
            ("a configuration", parser.OFPSetConfig(VERSION, 0x80, 128), ofp.OFPET_SWITCH_CONFIG_FAILED, ofp.OFPSCFC_BAD_FLAGS),
            ("a role", parser.OFPRoleRequest(VERSION, 9, 0), ofp.OFPET_ROLE_REQUEST_FAILED, ofp.OFPRRFC_BAD_ROLE),
            ("a port of ingress", parser.OFPPacketOut(VERSION, NO_BUFFER, 0, [], octets(TCP4)), request, ofp.OFPBRC_BAD_PORT),
            ("a buffer", parser.OFPPacketOut(VERSION, 0x7000, ofp.OFPP_CONTROLLER, []), request, ofp.OFPBRC_BUFFER_UNKNOWN),
            ("actions of a packet-out", parser.OFPPacketOut(VERSION, NO_BUFFER, ofp.OFPP_CONTROLLER, [parser.OFPActionGroup(77)], octets(TCP4)),
             ofp.OFPET_BAD_ACTION, ofp.OFPBAC_BAD_OUT_GROUP),
            ("an experimenter", parser.OFPExperimenter(VERSION, 0x1234, 1, b""), request, ofp.OFPBRC_BAD_EXPERIMENTER),
            ("an experimenter's multipart", parser.OFPExperimenterStatsRequest(VERSION, 0, 0x1234, 1, b""), request, ofp.OFPBRC_BAD_EXPERIMENTER)):
        equal(name, b.of.refusal(b.of.bytes_of(message)), (kind, code))
    header = struct.Struct("!BBHI")
    for name, data, code in (("a type", header.pack(4, 77, 8, 5), ofp.OFPBRC_BAD_TYPE), ("a version", header.pack(5, 5, 8, 5), ofp.OFPBRC_BAD_VERSION),
                             ("a length", header.pack(4, 5, 12, 5) + bytes(4), ofp.OFPBRC_BAD_LEN),
                             ("a multipart", header.pack(4, 18, 16, 5) + struct.pack("!HHI", 99, 0, 0), ofp.OFPBRC_BAD_MULTIPART)):
        equal(name, b.of.refusal(data), (request, code))


@behaviour("errors of changes")
def a_bad_message_in_a_run_leaves_the_others(b):
    bad = flow([oxm("ipv4_src", "10.0.0.1")], [])
    b.install([])
    run = b"".join(b.of.bytes_of(message_of(m)) for m in (
        flow([oxm("in_port", 1)], does(output(2)), cookie=1), bad, flow([oxm("in_port", 2)], does(output(ALL)), cookie=2)))
    equal("error", b.of.refusal(run), (ofp.OFPET_BAD_MATCH, ofp.OFPBMC_BAD_PREREQ))
    equal("entries", {f.cookie for f in others(b)}, {1, 2})


@behaviour("table-mod")
def a_table_is_configured(b):
    b.of.send(parser.OFPTableMod(VERSION, 0, 0))
    b.of.barrier()


@behaviour("instructions")
def every_instruction_is_read_back(b):
    b.install([message_of({"OFPMeterMod": {"flags": ofp.OFPMF_KBPS, "meter_id": 1, "bands": [drop(5)]}}),
               message_of(flow([oxm("eth_type", 0x800)], [
                   {"OFPInstructionMeter": {"meter_id": 1}}, actions_instruction([action("DecNwTtl"), output(2)]),
                   actions_instruction([], 5), actions_instruction([setting("eth_dst", "02:00:00:00:00:31"), output(3)], 3),
                   {"OFPInstructionWriteMetadata": {"metadata": 0xf0, "metadata_mask": 0xff}}, goto(9)],
                   flags=ofp.OFPFF_SEND_FLOW_REM | ofp.OFPFF_CHECK_OVERLAP | ofp.OFPFF_NO_BYT_COUNTS, idle_timeout=3000, hard_timeout=4000))])
