# SPDX-License-Identifier: BSD-3-Clause
"""Frames as lists of layers, (kind, attributes), and as the expressions of os_ken's packet library that make them.

A layer says what the table of its kind does not; types, protocols and the bottom of an MPLS stack follow from the next layer."""
import struct

ETHERTYPE = {"vlan": 0x8100, "svlan": 0x88a8, "mpls": 0x8847, "itag": 0x88e7, "ipv4": 0x0800, "ipv6": 0x86dd, "arp": 0x0806}
PROTOCOL = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132}
TAGS = ("vlan", "svlan")

DEFAULTS = {
    "ethernet": {"dst": "02:00:00:00:00:b2", "src": "02:00:00:00:00:a1"},
    "vlan": {"pcp": 3, "cfi": 0, "vid": 100},
    "svlan": {"pcp": 4, "cfi": 0, "vid": 200},
    "mpls": {"label": 16000, "exp": 5, "ttl": 61},
    "itag": {"pcp": 0, "sid": 0x10203},
    "ipv4": {"src": "10.1.2.3", "dst": "10.4.5.6", "tos": 0x49, "ttl": 60, "identification": 7},
    "ipv6": {"src": "fd00:1::2:3", "dst": "fd00:4::5:6", "traffic_class": 0x49, "flow_label": 0x12345, "hop_limit": 59},
    "arp": {"opcode": 1, "src_mac": "02:00:00:00:00:a1", "src_ip": "10.1.2.3", "dst_mac": "00:00:00:00:00:07",
            "dst_ip": "10.4.5.6"},
    "tcp": {"src_port": 1001, "dst_port": 2002, "seq": 5, "ack": 6, "bits": 0x18, "window_size": 7},
    "udp": {"src_port": 1001, "dst_port": 2002},
    "sctp": {"src_port": 1001, "dst_port": 2002, "vtag": 9},
    "icmp": {"type_": 8, "code": 0},
    "icmpv6": {"type_": 128, "code": 0},
    "nd": {"type_": 135, "code": 0, "target": "fd00:4::99", "address": "02:00:00:00:00:a1"},
}

# Where an OXM field lies: the kinds of layers, and the attribute; (attribute, shift, bits) of a part of it.
PLACES = {
    "eth_dst": (("ethernet",), "dst"), "eth_src": (("ethernet",), "src"),
    "vlan_vid": (TAGS, ("vid", 0, 12)), "vlan_pcp": (TAGS, "pcp"),
    "ip_dscp": (("ipv4", "ipv6"), (None, 2, 6)), "ip_ecn": (("ipv4", "ipv6"), (None, 0, 2)),
    "ip_proto": (("ipv4", "ipv6"), "protocol"),
    "ipv4_src": (("ipv4",), "src"), "ipv4_dst": (("ipv4",), "dst"),
    "tcp_src": (("tcp",), "src_port"), "tcp_dst": (("tcp",), "dst_port"),
    "udp_src": (("udp",), "src_port"), "udp_dst": (("udp",), "dst_port"),
    "sctp_src": (("sctp",), "src_port"), "sctp_dst": (("sctp",), "dst_port"),
    "icmpv4_type": (("icmp",), "type_"), "icmpv4_code": (("icmp",), "code"),
    "arp_op": (("arp",), "opcode"), "arp_spa": (("arp",), "src_ip"), "arp_tpa": (("arp",), "dst_ip"),
    "arp_sha": (("arp",), "src_mac"), "arp_tha": (("arp",), "dst_mac"),
    "ipv6_src": (("ipv6",), "src"), "ipv6_dst": (("ipv6",), "dst"), "ipv6_flabel": (("ipv6",), "flow_label"),
    "icmpv6_type": (("icmpv6", "nd"), "type_"), "icmpv6_code": (("icmpv6", "nd"), "code"),
    "ipv6_nd_target": (("nd",), "target"), "ipv6_nd_sll": (("nd",), "address"), "ipv6_nd_tll": (("nd",), "address"),
    "mpls_label": (("mpls",), "label"), "mpls_tc": (("mpls",), "exp"), "mpls_bos": (("mpls",), "bsb"),
    "pbb_isid": (("itag",), "sid"),
}


def layer(kind, **attributes):
    return kind, attributes


def frame(*layers):
    """Of kinds, layers and bytes of payload."""
    return [x if isinstance(x, (tuple, bytes)) else (x, {}) for x in layers]


def attributes_of(f, i):
    kind, own = f[i]
    return DEFAULTS[kind] | own


def find(f, kinds):
    """The place of the outermost layer of these kinds; None if there is none."""
    return next((i for i, x in enumerate(f) if x[0] in kinds), None)


def changed(f, i, **attributes):
    """The frame with attributes of one layer changed."""
    return f[:i] + [(f[i][0], f[i][1] | attributes)] + f[i + 1:]


def put(f, field, value):
    """The frame with an OXM field changed, in the outermost header that has it."""
    if field == "eth_type":
        return changed(f, next(i for i, x in enumerate(f[1:]) if x[0] not in TAGS), ethertype=value)
    kinds, where = PLACES[field]
    i = find(f, kinds)
    if not isinstance(where, tuple):
        return changed(f, i, **{where: value})
    name, shift, bits = where
    name = name or {"ipv4": "tos", "ipv6": "traffic_class"}[f[i][0]]
    ones = (1 << bits) - 1
    return changed(f, i, **{name: attributes_of(f, i)[name] & ~(ones << shift) | (value & ones) << shift})


def l3_type(f):
    """The eth_type that a switch sees: behind all VLAN tags."""
    return ETHERTYPE[next(x[0] for x in f[1:] if x[0] not in TAGS)]


def l4_protocol(f):
    return next((PROTOCOL[x[0]] for x in f if x[0] in PROTOCOL), 58)  # neighbour discovery has a kind of its own


def sctp_checksum(data):
    """The number whose bytes are in the header; os_ken has one that is not SCTP's."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return int.from_bytes((crc ^ 0xffffffff).to_bytes(4, "little"), "big")


def expressions(f):
    """What the tester evaluates, joined by slashes."""
    texts = []
    for i, x in enumerate(f):
        if isinstance(x, bytes):
            texts.append(repr(x))
            continue
        kind, a, below = x[0], attributes_of(f, i), f[i + 1][0] if i + 1 < len(f) else None
        if kind in ("ethernet",) + TAGS:
            a = {"ethertype": ETHERTYPE.get(below, 0x88b5)} | a
        elif kind == "mpls":
            a = {"bsb": int(below != "mpls")} | a
        elif kind in ("ipv4", "ipv6"):
            protocol = a.pop("protocol", PROTOCOL.get(below, 58 if below == "nd" else 253))
            headers = a.pop("ext_hdrs", None)
            a["proto" if kind == "ipv4" else "nxt"] = headers[0] if headers else protocol
            if headers:
                a["ext_hdrs"] = Text("[%s]" % ", ".join(headers[1]).replace("NEXT", str(protocol)))
        elif kind == "sctp":
            a["csum"] = sctp_checksum(struct.pack("!HHII", a["src_port"], a["dst_port"], a["vtag"], 0) + f[i + 1])
        elif kind == "icmp":
            a["data"] = Text("echo(id_=1, seq=2, data=b'ping' * 8)")
        elif kind == "icmpv6":
            a["data"] = Text("icmpv6echo(id_=1, seq=2, data=b'ping' * 8)")
        elif kind == "nd":
            kind, option = "icmpv6", "nd_option_sla" if a["type_"] == 135 else "nd_option_tla"
            a["data"] = Text("nd_neighbor(dst=%r, option=%s(hw_src=%r))" % (a.pop("target"), option, a.pop("address")))
        texts.append("%s(%s)" % (kind, ", ".join("%s=%r" % item for item in a.items())))
    return texts


class Text(str):
    """An expression, which stands for itself."""

    def __repr__(self):
        return str(self)
