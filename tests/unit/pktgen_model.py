# SPDX-License-Identifier: BSD-3-Clause
"""What frames a profile makes, worked out by Scapy and by nothing of the generator's."""
import ipaddress
import logging

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.contrib.mpls import MPLS  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether  # noqa: E402
from scapy.layers.vxlan import VXLAN  # noqa: E402
from scapy.packet import NoPayload, Raw  # noqa: E402

MASK = (1 << 64) - 1
LAYERS = ["eth", "vlan", "qinq", "mpls", "ipv4", "ipv6", "udp", "tcp", "gre", "vxlan"]
# The fields in the generator's order, which the seeds of random walks depend on.
FIELDS = {
    "eth": ["dst", "src", "type"], "vlan": ["id", "pcp", "type"], "qinq": ["id", "pcp", "type"], "mpls": ["label", "tc", "ttl"],
    "ipv4": ["src", "dst", "tos", "id", "df", "ttl", "proto"], "ipv6": ["src", "dst", "tc", "flow_label", "hop_limit", "next_header"],
    "udp": ["src", "dst"], "tcp": ["src", "dst", "seq", "ack", "flags", "window"], "gre": ["key"], "vxlan": ["vni"],
}
DEFAULTS = {
    "eth": {"dst": "02:00:00:00:00:02", "src": "02:00:00:00:00:01"}, "vlan": {"id": 1}, "qinq": {"id": 1},
    "mpls": {"label": 16, "ttl": 64}, "ipv4": {"src": "10.0.0.1", "dst": "11.0.0.1", "ttl": 64},
    "ipv6": {"src": "::1", "dst": "::2", "hop_limit": 64}, "udp": {"src": 1024, "dst": 9},
    "tcp": {"src": 1024, "dst": 80, "flags": 16, "window": 65535}, "gre": {}, "vxlan": {"vni": 1},
}


def draw(seed, i):
    z = (seed + (i + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def to_int(v):
    if isinstance(v, int):
        return v
    return int(v.replace(":", ""), 16) if v.count(":") == 5 and "::" not in v else int(ipaddress.ip_address(v))


def like(v, n):
    """n in the notation of v."""
    if isinstance(v, int):
        return n
    if v.count(":") == 5 and "::" not in v:
        return ":".join("%02x" % b for b in n.to_bytes(6, "big"))
    return str(type(ipaddress.ip_address(v))(n))


def walk(v, flow, place):
    if not isinstance(v, dict):
        return v
    if v["walk"] == "inc":
        return like(v["from"], to_int(v["from"]) + v.get("step", 1) * (flow // v.get("each", 1) % v["count"]))
    d = draw(draw(v.get("seed", 1), place), flow)
    if "in" not in v:
        span = to_int(v["to"]) - to_int(v["from"]) + 1
        return like(v["from"], to_int(v["from"]) + (d * span >> 64))
    nets = [ipaddress.ip_network(p) for p in ([v["in"]] if isinstance(v["in"], str) else v["in"])]
    net = nets[d * len(nets) >> 64]
    bits = draw(d, 1) << 64 | draw(d, 0)
    return str(net.network_address + (bits & int(net.hostmask)))


def scapy_layer(kind, v):
    if kind == "eth":
        return Ether(dst=v["dst"], src=v["src"], **({"type": v["type"]} if "type" in v else {}))
    if kind in ("vlan", "qinq"):
        return (Dot1Q if kind == "vlan" else Dot1AD)(vlan=v["id"], prio=v.get("pcp", 0), **({"type": v["type"]} if "type" in v else {}))
    if kind == "mpls":
        return MPLS(label=v["label"], cos=v.get("tc", 0), ttl=v["ttl"])
    if kind == "ipv4":
        return IP(src=v["src"], dst=v["dst"], tos=v.get("tos", 0), id=v.get("id", 0), flags=v.get("df", 0) * 2, ttl=v["ttl"],
                  **({"proto": v["proto"]} if "proto" in v else {}))
    if kind == "ipv6":
        return IPv6(src=v["src"], dst=v["dst"], tc=v.get("tc", 0), fl=v.get("flow_label", 0), hlim=v["hop_limit"],
                    **({"nh": v["next_header"]} if "next_header" in v else {}))
    if kind == "udp":
        return UDP(sport=v["src"], dport=v["dst"])
    if kind == "tcp":
        return TCP(sport=v["src"], dport=v["dst"], seq=v.get("seq", 0), ack=v.get("ack", 0), flags=v["flags"], window=v["window"])
    if kind == "gre":
        return GRE(key_present=1, key=v["key"]) if "key" in v else GRE()
    return VXLAN(vni=v["vni"], flags=8)


ETHERTYPE = {"eth": 0x6558, "vlan": 0x8100, "qinq": 0x88A8, "mpls": 0x8847, "ipv4": 0x0800, "ipv6": 0x86DD, None: 0x88B5}
PROTO = {"ipv4": 4, "ipv6": 41, "udp": 17, "tcp": 6, "gre": 47, None: 253}


def frame(profile, flow, size):
    """The bytes of a frame of `size` with FCS, for flow number `flow`."""
    packet = None
    layers = profile["layers"]
    for i, layer in enumerate(layers):
        kind = layer["layer"]
        following = layers[i + 1]["layer"] if i + 1 < len(layers) else None
        v = dict(DEFAULTS[kind])
        if kind in ("eth", "vlan", "qinq"):
            v["type"] = ETHERTYPE[following]
        elif kind in ("ipv4", "ipv6"):
            v["proto" if kind == "ipv4" else "next_header"] = PROTO[following]
        elif kind == "udp" and following == "vxlan":
            v["dst"] = 4789
        for name, value in layer.items():
            if name != "layer":
                v[name] = walk(value, flow, i * 10 + FIELDS[kind].index(name))
        part = scapy_layer(kind, v)
        if kind == "udp" and following == "vxlan":
            part.chksum = 0
        if kind == "gre":
            part.proto = ETHERTYPE[following]
        if kind == "mpls":
            part.s = 0 if following == "mpls" else 1
        packet = part if packet is None else packet / part
    bare = packet.copy()
    bare.lastlayer().remove_payload()
    header = len(bytes(without_sums(bare)))
    return bytes(packet / Raw(bytes(size - 4 - header)))


def without_sums(packet):
    """A copy to measure: Scapy need not compute what is thrown away."""
    p = packet
    while not isinstance(p, NoPayload):
        if isinstance(p, (IP, UDP, TCP)) and p.chksum is None:
            p.chksum = 1
        p = p.payload
    return packet


def schedule(sizes):
    """The order of a mix: each time the size that is most behind its share."""
    due, total, order = [0] * len(sizes), sum(s.get("weight", 1) for s in sizes), []
    for _ in range(total):
        due = [d + s.get("weight", 1) for d, s in zip(due, sizes)]
        best = due.index(max(due))
        due[best] -= total
        order.append(sizes[best]["size"])
    return order


def frames(profile, n):
    order = schedule(profile["sizes"]) if "sizes" in profile else [profile["size"]]
    for k in range(n):
        yield frame(profile, k % profile.get("flows", 1), order[k % len(order)])
