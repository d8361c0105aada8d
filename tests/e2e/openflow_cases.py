# SPDX-License-Identifier: BSD-3-Clause
"""What a switch has to do with OXM fields and actions, as descriptions in the form that Ryu's switch tester reads.

match() and set_field() go through every OXM field of OpenFlow 1.3.5, actions() through every action; each yields (group, case).
A case has flows to be installed, a frame for port 1, and what is to become of it: a frame from port 2 ("egress"), one to the
controller ("PACKET_IN"), or nothing in a table ("table-miss")."""
from openflow_frames import ETHERTYPE, TAGS, changed, expressions, find, frame, l3_type, l4_protocol, layer, put

CONTROLLER, IN_PORT, WHOLE = 0xfffffffd, 0xfffffff8, 65535
APPLY, WRITE, CLEAR = 4, 3, 5
PAYLOAD = bytes(range(1, 32))
DATA_CHUNK = bytes.fromhex("0003001c000000010000000200000003") + bytes(range(12))

TCP4 = frame("ethernet", "ipv4", "tcp", PAYLOAD)
TCP6 = frame("ethernet", "ipv6", "tcp", PAYLOAD)
UDP4 = frame("ethernet", "ipv4", "udp", PAYLOAD)
UDP6 = frame("ethernet", "ipv6", "udp", PAYLOAD)
SCTP4 = frame("ethernet", "ipv4", "sctp", DATA_CHUNK)
SCTP6 = frame("ethernet", "ipv6", "sctp", DATA_CHUNK)
ICMP4 = frame("ethernet", "ipv4", "icmp")
ICMP6 = frame("ethernet", "ipv6", "icmpv6")
ARP = frame("ethernet", "arp", bytes(18))
SOLICIT = frame("ethernet", "ipv6", "nd")
ADVERT = frame("ethernet", "ipv6", layer("nd", type_=136))
EXTENDED = frame("ethernet", layer("ipv6", ext_hdrs=(0, ["hop_opts(nxt=51)", "auth(nxt=NEXT)"])), "tcp", PAYLOAD)
IP = (TCP4, TCP6)
ANY = (TCP4, TCP6, ARP)


def tagged(f, *tags):
    return f[:1] + frame(*(tags or ("vlan",))) + f[1:]


def labelled(f, *labels):
    return f[:1] + frame(*(labels or ("mpls",))) + f[1:]


def backbone(f, *tags, **itag):
    return frame(layer("ethernet", dst="02:00:00:00:00:d4", src="02:00:00:00:00:c3"), *tags, layer("itag", **itag)) + f


# Field, frames, value, another, (value, mask)s that take the first and not the other; whether it can be set.
FIELDS = (
    ("eth_dst", ANY, "02:00:00:00:00:b2", "06:10:00:00:77:b3",
     (("02:00:00:00:00:00", "ff:ff:00:00:00:00"), ("00:00:00:00:00:02", "04:10:00:00:00:0f")), True),
    ("eth_src", ANY, "02:00:00:00:00:a1", "0a:00:00:20:00:a0",
     (("02:00:00:00:00:00", "ff:ff:ff:00:00:00"), ("00:00:00:00:00:01", "08:00:00:00:00:01")), True),
    ("eth_type", (TCP4,), 0x0800, 0x88b6, (), True),
    ("eth_type", (TCP6,), 0x86dd, 0x88b6, (), True),
    ("eth_type", (ARP,), 0x0806, 0x88b6, (), True),
    ("vlan_vid", tuple(tagged(f) for f in ANY), 0x1000 | 100, 0x1000 | 2203,
     ((0x60, 0xf0), (0x1004, 0x100f)), True),
    ("vlan_vid", (tagged(TCP4, "svlan", "vlan"),), 0x1000 | 200, 0x1000 | 100, ((0x1080, 0x1080),), True),
    ("vlan_pcp", tuple(tagged(f) for f in ANY), 3, 6, (), True),
    ("vlan_pcp", (tagged(TCP4, "svlan", "vlan"),), 4, 3, (), True),
    ("ip_dscp", IP, 18, 46, (), True),
    ("ip_ecn", IP, 1, 2, (), True),
    ("ip_proto", IP, 6, 17, (), True),
    ("ipv4_src", (TCP4, UDP4, SCTP4, ICMP4), "10.1.2.3", "10.9.2.4", (("10.1.0.0", "255.255.0.0"), ("0.1.0.3", "0.9.0.7")), True),
    ("ipv4_dst", (TCP4, UDP4, SCTP4, ICMP4), "10.4.5.6", "11.4.5.1", (("10.0.0.0", "255.0.0.0"), ("0.0.0.6", "0.0.0.7")), True),
    ("tcp_src", IP, 1001, 11001, (), True),
    ("tcp_dst", IP, 2002, 12002, (), True),
    ("udp_src", (UDP4, UDP6), 1001, 11001, (), True),
    ("udp_dst", (UDP4, UDP6), 2002, 12002, (), True),
    ("sctp_src", (SCTP4, SCTP6), 1001, 11001, (), True),
    ("sctp_dst", (SCTP4, SCTP6), 2002, 12002, (), True),
    ("icmpv4_type", (ICMP4,), 8, 0, (), True),
    ("icmpv4_code", (ICMP4,), 0, 7, (), True),
    ("arp_op", (ARP,), 1, 2, (), True),
    ("arp_spa", (ARP,), "10.1.2.3", "10.9.2.4", (("10.1.0.0", "255.255.0.0"), ("0.1.0.3", "0.9.0.7")), True),
    ("arp_tpa", (ARP,), "10.4.5.6", "11.4.5.1", (("10.0.0.0", "255.0.0.0"), ("0.0.0.6", "0.0.0.7")), True),
    ("arp_sha", (ARP,), "02:00:00:00:00:a1", "0a:00:00:00:00:a0",
     (("02:00:00:00:00:00", "ff:ff:00:00:00:00"), ("00:00:00:00:00:01", "08:00:00:00:00:01")), True),
    ("arp_tha", (ARP,), "00:00:00:00:00:07", "00:20:00:00:00:08",
     (("00:00:00:00:00:00", "ff:ff:ff:00:00:00"), ("00:00:00:00:00:01", "00:20:00:00:00:01")), True),
    ("ipv6_src", (TCP6, UDP6, SCTP6, ICMP6), "fd00:1::2:3", "fd00:9::2:4",
     (("fd00:1::", "ffff:ffff::"), ("0:1::3", "0:9::7")), True),
    ("ipv6_dst", (TCP6, UDP6, SCTP6, ICMP6), "fd00:4::5:6", "fd01:4::5:1",
     (("fd00::", "ffff::"), ("::6", "::7")), True),
    ("ipv6_flabel", (TCP6,), 0x12345, 0xa2341, ((0x12000, 0xff000), (0x00005, 0x80007)), True),
    ("icmpv6_type", (ICMP6,), 128, 129, (), True),
    ("icmpv6_code", (ICMP6,), 0, 7, (), True),
    ("ipv6_nd_target", (SOLICIT, ADVERT), "fd00:4::99", "fe80::4:98", (), True),
    ("ipv6_nd_sll", (SOLICIT,), "02:00:00:00:00:a1", "02:00:00:00:01:a1", (), True),
    ("ipv6_nd_tll", (ADVERT,), "02:00:00:00:00:a1", "02:00:00:00:01:a1", (), True),
    ("mpls_label", tuple(labelled(f) for f in ANY), 16000, 0xfffff, (), True),
    ("mpls_label", (labelled(TCP4, layer("mpls", label=77), "mpls"),), 77, 16000, (), True),
    ("mpls_tc", tuple(labelled(f) for f in ANY), 5, 2, (), True),
    ("mpls_bos", tuple(labelled(f) for f in ANY), 1, 0, (), True),
    ("mpls_bos", (labelled(TCP4, "mpls", "mpls"),), 0, 1, (), True),
    ("pbb_isid", tuple(backbone(f) for f in (TCP4, tagged(TCP6, "svlan", "vlan"), ARP)), 0x10203, 0x90204,
     ((0x10200, 0xfff00), (0x00003, 0x80007)), True),
    ("pbb_isid", (backbone(TCP4, "svlan"),), 0x10203, 0x90204, ((0x00003, 0x00007),), True),
)

# What a field asks for beside eth_type.
L4 = {"tcp": 6, "udp": 17, "sctp": 132, "icmpv4": 1, "icmpv6": 58}


def oxm(field, value, mask=None):
    return {"OXMTlv": {"field": field, "value": value} | ({} if mask is None else {"mask": mask})}


def output(port, max_len=0):
    return {"OFPActionOutput": {"port": port} | ({"max_len": max_len} if port == CONTROLLER else {})}


def setting(field, value):
    return {"OFPActionSetField": {"field": oxm(field, value)}}


def action(kind, **arguments):
    return {"OFPAction" + kind: arguments}


def group_action(number):
    return action("Group", group_id=number)


def actions_instruction(actions, kind=APPLY):
    return {"OFPInstructionActions": {"type": kind, "actions": list(actions)}}


def goto(table):
    return {"OFPInstructionGotoTable": {"table_id": table}}


def flow(fields, instructions, **more):
    return {"OFPFlowMod": {"table_id": 0} | more | {"match": {"OFPMatch": {"oxm_fields": list(fields)}},
                                                   "instructions": list(instructions)}}


def case(description, flows, ingress, **outcome):
    """outcome: egress or packet_in with a frame, or miss with a table."""
    kind, value = next(iter(outcome.items()))
    name = {"egress": "egress", "packet_in": "PACKET_IN", "miss": "table-miss"}[kind]
    return {"description": description, "prerequisite": flows,
            "tests": [{"ingress": expressions(ingress), name: [value] if kind == "miss" else expressions(value)}]}


def name_of(f):
    return "/".join(x[0] for x in f if not isinstance(x, bytes))


def prerequisites(field, f):
    """What a match on this field of this frame has to say first."""
    if field.startswith(("eth_", "in_", "metadata", "tunnel")):
        return []
    if field == "vlan_vid":
        return []
    if field == "vlan_pcp":
        return [oxm("vlan_vid", 0x1000, 0x1000)]
    fields = [oxm("eth_type", l3_type(f))]
    kind = "icmpv6" if field.startswith("ipv6_nd") else field.split("_")[0]
    if kind in L4:
        fields.append(oxm("ip_proto", L4[kind]))
    if field.startswith("ipv6_nd"):
        fields.append(oxm("icmpv6_type", f[find(f, ("nd",))][1].get("type_", 135)))
    return fields


def carriers(field, f):
    """How the frame comes in: (name, what is around it, flows of table 0 that take it off, the table that sees the field).

    What comes out is the frame, with the tags that nothing takes off."""
    yield "", f, [], 0
    if not field.startswith(("vlan", "pbb")):
        yield "vlan/", tagged(f), [], 0
        yield "svlan/vlan/", tagged(f, "svlan", "vlan"), [], 0
    if f[1][0] in ("ipv4", "ipv6", "arp"):
        popped = flow([oxm("eth_type", 0x8847)], [actions_instruction([action("PopMpls", ethertype=l3_type(f))]), goto(1)])
        yield "popped mpls/", labelled(f), [popped], 1
    popped = flow([oxm("eth_type", 0x88e7)], [actions_instruction([action("PopPbb")]), goto(1)])
    yield "popped itag/", backbone(f, sid=9), [popped], 1


def inside(carrier, f):
    """What is left of a carried frame when its labels and backbone headers are gone."""
    return tagged(f, *[x[:-1] if x.endswith("/") else x for x in carrier.split("/") if x]) if carrier.endswith("vlan/") else f


def match_cases():
    for field, frames, value, other, masks, _ in FIELDS:
        for f in frames:
            for carrier, hit, before, table in carriers(field, f):
                yield from match_field(field, f, carrier, hit, before, table, value, other, masks)
    yield from match_special()


def match_field(field, f, carrier, hit, before, table, value, other, masks):
    miss = next(x for name, x, _, _ in carriers(field, put(f, field, other)) if name == carrier)
    out = inside(carrier, f)
    for wanted in ((value,),) + masks:
        label = "match " + field + (" masked" if len(wanted) == 2 else "")
        text = "%s%s, %s" % (carrier, name_of(f), "%s/%s" % wanted if len(wanted) == 2 else wanted[0])
        fields = prerequisites(field, f) + [oxm(field, *wanted)]

        def flows(port):
            return before + [flow(fields, [actions_instruction([output(port, WHOLE)])], table_id=table)]
        yield label, case(text, flows(2), hit, egress=out)
        if len(wanted) == 1:
            yield label, case(text + ", to the controller", flows(CONTROLLER), hit, packet_in=out)
        # Another type or protocol is no frame of that kind any more, which the popping flow has to see too.
        if not (table == 1 and field == "eth_type" and "mpls" in carrier):
            yield label, case(text + ", not %s" % other, flows(2), miss, miss=table)


def match_special():
    def flows(fields):
        return [flow(fields, [actions_instruction([output(2)])])]
    for f in ANY:
        name = name_of(f)
        yield "match in_port", case(name, flows([oxm("in_port", 1)]), f, egress=f)
        yield "match in_port", case(name + ", another", flows([oxm("in_port", 3)]), f, miss=0)
        yield "match in_phy_port", case(name, flows([oxm("in_port", 1), oxm("in_phy_port", 1)]), f, egress=f)
        yield "match in_phy_port", case(name + ", another", flows([oxm("in_port", 1), oxm("in_phy_port", 3)]), f, miss=0)
        yield "match vlan_vid none", case(name, flows([oxm("vlan_vid", 0)]), f, egress=f)
        yield "match vlan_vid none", case(name + " with a tag", flows([oxm("vlan_vid", 0)]), tagged(f), miss=0)
        yield "match vlan_vid any", case(name, flows([oxm("vlan_vid", 0x1000, 0x1000)]), tagged(f), egress=tagged(f))
        yield "match vlan_vid any", case(name + " without", flows([oxm("vlan_vid", 0x1000, 0x1000)]), f, miss=0)
        yield "match all", case(name, flows([]), f, egress=f)
        for field, write in (("metadata", {"OFPInstructionWriteMetadata": {"metadata": 0x1122334455667788,
                                                                          "metadata_mask": 0xffffffffffffffff}}),
                             ("tunnel_id", actions_instruction([setting("tunnel_id", 0x1122334455667788)]))):
            for wanted, hit in (((0x1122334455667788,), True), ((0x1122334455667789,), False),
                                ((0x1100000000000088, 0xff000000000000ff), True), ((0x8000000000000000, 0x8000000000000001), False)):
                label = "match " + field + (" masked" if len(wanted) == 2 else "")
                two = [flow([], [write, goto(1)]), flow([oxm(field, *wanted)], [actions_instruction([output(2)])], table_id=1)]
                outcome = {"egress": f} if hit else {"miss": 1}
                yield label, case("%s, %s" % (name, " of ".join("%#x" % x for x in wanted)), two, f, **outcome)
    for wanted, hit in (((0x44,), True), ((0x04,), False), ((0x40, 0x41), True), ((0x10, 0x10), False)):
        fields = [oxm("eth_type", 0x86dd), oxm("ipv6_exthdr", *wanted)]
        label = "match ipv6_exthdr" + (" masked" if len(wanted) == 2 else "")
        for carrier, hit_frame, before, table in carriers("ipv6_exthdr", EXTENDED):
            flows_ = before + [flow(fields, [actions_instruction([output(2)])], table_id=table)]
            outcome = {"egress": inside(carrier, EXTENDED)} if hit else {"miss": table}
            yield label, case("%s%s, %s" % (carrier, name_of(EXTENDED), wanted), flows_, hit_frame, **outcome)
        if hit:
            yield label, case("%s, %s" % (name_of(TCP6), wanted), flows_[-1:] if table == 0 else
                              [flow(fields, [actions_instruction([output(2)])])], TCP6, miss=0)


def set_field_cases():
    for field, frames, value, other, _, _ in FIELDS:
        for f in frames:
            for carrier, hit, before, table in carriers(field, f):
                yield from set_one(field, f, carrier, hit, before, table, value, other)


def set_one(field, f, carrier, hit, before, table, value, other):
    out = put(inside(carrier, f), field, other)
    fields = prerequisites(field, f) + [oxm(field, value)]
    text = "%s%s, %s -> %s" % (carrier, name_of(f), value, other)
    for kind in (APPLY, WRITE):
        flows = before + [flow(fields, [actions_instruction([setting(field, other), output(2)], kind)], table_id=table)]
        yield "set_field " + field, case(text + (", by the action set" if kind == WRITE else ""), flows, hit, egress=out)
    # The next table sees what was set.
    if table == 0 and field not in ("eth_type", "ip_proto", "mpls_bos", "icmpv6_type"):
        again = prerequisites(field, f) + [oxm(field, other)]
        flows = [flow(fields, [actions_instruction([setting(field, other)]), goto(1)]),
                 flow(again, [actions_instruction([output(2)])], table_id=1)]
        yield "set_field " + field, case(text + ", seen by the next table", flows, hit, egress=out)


def ttl(f, kind, value):
    i = find(f, (kind,))
    return changed(f, i, **{"hop_limit" if kind == "ipv6" else "ttl": value})


def rewrites():
    """(label, match, the frame, actions, what comes out)."""
    for f in ANY:
        t, two, m = tagged(f), tagged(f, "svlan", "vlan"), labelled(f)
        name = f[1][0]
        match = [oxm("eth_type", l3_type(f))]
        vid = layer("vlan", vid=0, pcp=0)
        yield "push_vlan", match, f, [action("PushVlan", ethertype=0x8100)], tagged(f, vid)
        yield "push_vlan", match, f, [action("PushVlan", ethertype=0x88a8)], tagged(f, layer("svlan", vid=0, pcp=0))
        yield "push_vlan", match, t, [action("PushVlan", ethertype=0x88a8)], tagged(f, layer("svlan", vid=100, pcp=3), "vlan")
        yield "push_vlan", match, f, [action("PushVlan", ethertype=0x8100), setting("vlan_vid", 0x1000 | 7), setting("vlan_pcp", 5)], \
            tagged(f, layer("vlan", vid=7, pcp=5))
        yield "pop_vlan", [oxm("vlan_vid", 0x1000, 0x1000)], t, [action("PopVlan")], f
        yield "pop_vlan", [oxm("vlan_vid", 0x1000, 0x1000)], two, [action("PopVlan")], t
        label_ttl = {"ipv4": 60, "ipv6": 59, "arp": 0}[name]
        pushed = layer("mpls", label=0, exp=0, ttl=label_ttl)
        yield "push_mpls", match, f, [action("PushMpls", ethertype=0x8847)], labelled(f, pushed)
        yield "push_mpls", [oxm("eth_type", 0x8847)], m, [action("PushMpls", ethertype=0x8847)], labelled(f, "mpls", "mpls")
        yield "push_mpls", match, f, [action("PushMpls", ethertype=0x8848), setting("mpls_label", 1234), setting("mpls_tc", 6)], \
            changed(labelled(f, layer("mpls", label=1234, exp=6, ttl=label_ttl)), 0, ethertype=0x8848)
        mpls = [oxm("eth_type", 0x8847)]
        yield "pop_mpls", mpls, m, [action("PopMpls", ethertype=l3_type(f))], f
        yield "pop_mpls", mpls, labelled(f, layer("mpls", label=5), "mpls"), [action("PopMpls", ethertype=0x8847)], m
        yield "pop_mpls", mpls, tagged(m), [action("PopMpls", ethertype=l3_type(f))], t
        yield "set_mpls_ttl", mpls, m, [action("SetMplsTtl", mpls_ttl=7)], ttl(m, "mpls", 7)
        yield "dec_mpls_ttl", mpls, m, [action("DecMplsTtl")], ttl(m, "mpls", 60)
        outer = frame(layer("ethernet"), layer("itag", sid=0)) + f
        yield "push_pbb", match, f, [action("PushPbb", ethertype=0x88e7)], outer
        yield "push_pbb", match, f, [action("PushPbb", ethertype=0x88e7), action("PushPbb", ethertype=0x88e7)], \
            frame(layer("ethernet"), layer("itag", sid=0)) + outer
        yield "push_pbb", match, t, [action("PushPbb", ethertype=0x88e7)], frame(layer("ethernet"), layer("itag", sid=0, pcp=3)) + t
        yield "push_pbb", match, f, [action("PushPbb", ethertype=0x88e7), setting("pbb_isid", 0xabcdef),
                                     setting("eth_dst", "02:00:00:00:00:77")], \
            frame(layer("ethernet", dst="02:00:00:00:00:77"), layer("itag", sid=0xabcdef)) + f
        for inner in (f, t, two):
            yield "pop_pbb", [oxm("eth_type", 0x88e7)], backbone(inner), [action("PopPbb")], inner
        yield "pop_pbb", [oxm("eth_type", 0x88e7), oxm("vlan_vid", 0x1000, 0x1000)], backbone(f, "svlan"), \
            [action("PopVlan"), action("PopPbb")], f
        if name == "arp":
            continue
        yield "set_nw_ttl", match, f, [action("SetNwTtl", nw_ttl=7)], ttl(f, name, 7)
        yield "dec_nw_ttl", match, f, [action("DecNwTtl")], ttl(f, name, label_ttl - 1)
        yield "dec_nw_ttl", match, t, [action("DecNwTtl")], ttl(t, name, label_ttl - 1)
        yield "copy_ttl_out", mpls, m, [action("CopyTtlOut")], ttl(m, "mpls", label_ttl)
        yield "copy_ttl_in", mpls, m, [action("CopyTtlIn")], ttl(m, name, 61)
        stack = labelled(f, layer("mpls", ttl=9), "mpls")
        yield "copy_ttl_out", mpls, stack, [action("CopyTtlOut")], ttl(stack, "mpls", 61)
        yield "copy_ttl_in", mpls, stack, [action("CopyTtlIn")], labelled(f, layer("mpls", ttl=9), layer("mpls", ttl=9))


def action_cases():
    for label, match, before, actions, after in rewrites():
        text = "%s -> %s" % (name_of(before), name_of(after))
        for kind in (APPLY, WRITE):
            # An action set has one action of a kind, and does them in an order of its own.
            if kind == WRITE and (label == "pop_pbb" and len(actions) > 1 or actions[:1] * 2 == actions):
                continue
            flows = [flow(match, [actions_instruction(actions + [output(2)], kind)])]
            yield "action " + label, case(text + (", by the action set" if kind == WRITE else ""), flows, before, egress=after)
    yield from output_cases()
    yield from pipeline_cases()


def output_cases():
    for f in ANY:
        name = name_of(f)
        yield "action output", case(name + ", a port", [flow([], [actions_instruction([output(2)])])], f, egress=f)
        yield "action output", case(name + ", controller", [flow([oxm("in_port", 1)], [actions_instruction([output(CONTROLLER, WHOLE)])])],
                                    f, packet_in=f)
        yield "action set_queue", case(name, [flow([], [actions_instruction([action("SetQueue", queue_id=0), output(2)])])], f, egress=f)


def pipeline_cases():
    """What instructions do with each other."""
    apply, write, first = actions_instruction, lambda *a: actions_instruction(a, WRITE), setting("eth_dst", "02:00:00:00:00:01")
    second, f = setting("eth_dst", "02:00:00:00:00:02"), TCP4
    one, two = put(f, "eth_dst", "02:00:00:00:00:01"), put(f, "eth_dst", "02:00:00:00:00:02")
    label = "instructions"
    yield label, case("apply comes before what is written", [flow([], [write(first, output(2)), apply([second])])], f, egress=one)
    yield label, case("what is written later replaces", [flow([], [write(first, output(3)), goto(1)]),
                                                         flow([], [write(second, output(2))], table_id=1)], f, egress=two)
    yield label, case("clear empties the action set", [flow([], [write(first, output(3)), goto(7)]),
                                                       flow([], [actions_instruction([], CLEAR), write(output(2))], table_id=7)], f, egress=f)
    yield label, case("the group of an action set goes before its output",
                      [{"OFPGroupMod": {"type": 2, "group_id": 5, "buckets": [{"OFPBucket": {"actions": [output(2)]}}]}},
                       flow([], [write(output(3), group_action(5))])], f, egress=f)
    order = [output(2), setting("eth_src", "02:00:00:00:00:05"), action("PushVlan", ethertype=0x8100), action("DecNwTtl"),
             setting("vlan_vid", 0x1000 | 9)]
    yield label, case("an action set has an order of its own", [flow([oxm("eth_type", 0x800)], [actions_instruction(order, WRITE)])], f,
                      egress=tagged(put(ttl(f, "ipv4", 59), "eth_src", "02:00:00:00:00:05"), layer("vlan", vid=9, pcp=0)))
    yield label, case("sixteen tables", [flow([], [goto(n + 1)], table_id=n) for n in range(15)] +
                      [flow([], [apply([output(2)])], table_id=15)], f, egress=f)
    yield label, case("the highest priority", [flow([], [apply([output(3)])], priority=5),
                                               flow([oxm("eth_type", 0x800)], [apply([output(2)])], priority=7),
                                               flow([oxm("in_port", 1)], [apply([output(3)])], priority=6)], f, egress=f)
    yield label, case("a table-miss entry", [flow([], [goto(3)], priority=0),
                                             flow([], [apply([output(2)])], table_id=3, priority=0)], f, egress=f)
    yield label, case("metadata written bit by bit",
                      [flow([], [{"OFPInstructionWriteMetadata": {"metadata": 0xf0, "metadata_mask": 0xff}}, goto(1)]),
                       flow([], [{"OFPInstructionWriteMetadata": {"metadata": 0x0f, "metadata_mask": 0x3f}}, goto(2)], table_id=1),
                       flow([oxm("metadata", 0xcf)], [apply([output(2)])], table_id=2)], f, egress=f)


def descriptions():
    """{group: [case]}, in order."""
    groups = {}
    for source in (match_cases, set_field_cases, action_cases):
        for label, one in source():
            groups.setdefault(label, []).append(one)
    return groups
