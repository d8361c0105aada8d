# SPDX-License-Identifier: BSD-3-Clause
"""Frames that scapy builds, and what the parser of flow keys (flow_key_dump) sees in them: each field of OpenFlow 1.3.5."""
import json
import subprocess
import sys
import unittest

from scapy.contrib.mpls import MPLS
from scapy.all import (AH, ARP, ESP, GRE, ICMP, IP, IPOption_NOP, IPv6, SCTP, SNAP, LLC, TCP, UDP, Dot1AD, Dot1Q, Dot3, Ether,
                       ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Raw)

DUMP = sys.argv.pop(1)
MAC = {"eth_dst": 0x020000000001, "eth_src": 0x020000000002}
PORT = {"in_port": 7, "in_phy_port": 7, "metadata": 0, "tunnel_id": 0}
PRESENT = 0x1000


def ether(**more):
    return Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", **more)


def ip6(**more):
    return IPv6(src="fd00::1", dst="fd00::2", tc=0xb9, fl=0x12345, **more)


IP6_SRC, IP6_DST = 0xfd << 120 | 1, 0xfd << 120 | 2
IP4 = {"eth_type": 0x0800, "ipv4_src": 0x0a000001, "ipv4_dst": 0x0a000002, "ip_dscp": 46, "ip_ecn": 1}
IP6 = {"eth_type": 0x86dd, "ipv6_src": IP6_SRC, "ipv6_dst": IP6_DST, "ipv6_flabel": 0x12345, "ip_dscp": 46, "ip_ecn": 1,
       "ipv6_exthdr": 0}


def ip4(**more):
    return IP(src="10.0.0.1", dst="10.0.0.2", tos=0xb9, **more)


def auth(next_header):
    return AH(nh=next_header, payloadlen=4, icv=bytes(12))


def see(*frames):
    text = "".join(bytes(f).hex() + "\n" for f in frames)
    out = subprocess.run([DUMP], input=text, stdout=subprocess.PIPE, check=True, text=True).stdout
    seen = []
    for line in out.splitlines():
        fields = json.loads(line)
        layers = fields.pop("layers")
        seen.append(({k: int(v, 16) for k, v in fields.items()}, layers))
    return seen


class FlowKey(unittest.TestCase):
    maxDiff = None

    def check(self, frame, expected, layers=None):
        expected = {**PORT, **MAC, "vlan_vid": 0, **expected}
        if expected["vlan_vid"]:
            expected.setdefault("vlan_pcp", 0)
        ((fields, got_layers),) = see(frame)
        self.assertEqual(fields, expected)
        if layers is not None:
            self.assertEqual(got_layers, layers)

    def test_transport(self):
        for proto, layer, name in ((6, TCP, "tcp"), (17, UDP, "udp"), (132, SCTP, "sctp")):
            ports = {"ip_proto": proto, name + "_src": 4660, name + "_dst": 22136}
            length = len(bytes(layer()))
            l4 = layer(sport=4660, dport=22136)
            self.check(ether() / ip4() / l4, {**IP4, **ports}, [14, 34, 34 + length, 0, 0])
            self.check(ether() / ip6() / l4, {**IP6, **ports}, [14, 54, 54 + length, 0, 0])
            self.check(ether() / ip4(options=[IPOption_NOP()] * 4) / l4, {**IP4, **ports}, [14, 38, 38 + length, 0, 0])
            # Padding is no part of the packet.
            padded = bytes(ether() / ip4(len=20, proto=proto)) + b"\x55" * 40
            self.check(padded, {**IP4, "ip_proto": proto}, [14, 0, 34, 0, 0])
            # A header that is cut off is not there.
            self.check(bytes(ether() / ip4() / l4)[:34 + length - 1], {**IP4, "ip_proto": proto})
            self.check(bytes(ether() / ip6() / l4)[:54 + length - 1], {**IP6, "ip_proto": proto})

    def test_icmp(self):
        self.check(ether() / ip4() / ICMP(type=3, code=4), {**IP4, "ip_proto": 1, "icmpv4_type": 3, "icmpv4_code": 4})
        self.check(ether() / ip6() / ICMPv6EchoRequest(code=9),
                   {**IP6, "ip_proto": 58, "icmpv6_type": 128, "icmpv6_code": 9})
        # Each is the other IP version's.
        self.check(ether() / ip6(nh=1) / Raw(bytes(8)), {**IP6, "ip_proto": 1})
        self.check(ether() / ip4(proto=58) / Raw(bytes(8)), {**IP4, "ip_proto": 58})

    def test_neighbour_discovery(self):
        target, lladdr = "fd00::99", "02:00:00:00:00:77"
        seen = {**IP6, "ip_proto": 58, "icmpv6_code": 0, "ipv6_nd_target": 0xfd << 120 | 0x99}
        ns, na = ICMPv6ND_NS(tgt=target), ICMPv6ND_NA(tgt=target)
        sll, tll = ICMPv6NDOptSrcLLAddr(lladdr=lladdr), ICMPv6NDOptDstLLAddr(lladdr=lladdr)
        self.check(ether() / ip6() / ns / sll, {**seen, "icmpv6_type": 135, "ipv6_nd_sll": 0x020000000077})
        self.check(ether() / ip6() / na / tll, {**seen, "icmpv6_type": 136, "ipv6_nd_tll": 0x020000000077})
        self.check(ether() / ip6() / na / sll / tll, {**seen, "icmpv6_type": 136, "ipv6_nd_tll": 0x020000000077})
        self.check(ether() / ip6() / ns / tll, {**seen, "icmpv6_type": 135})
        self.check(ether() / ip6() / ns, {**seen, "icmpv6_type": 135})

    def test_arp(self):
        arp = ARP(op=2, hwsrc="02:00:00:00:00:0a", psrc="10.0.0.1", hwdst="02:00:00:00:00:0b", pdst="10.0.0.2")
        seen = {"eth_type": 0x0806, "arp_op": 2, "arp_sha": 0x02000000000a, "arp_spa": 0x0a000001,
                "arp_tha": 0x02000000000b, "arp_tpa": 0x0a000002}
        self.check(ether() / arp, seen, [14, 0, 42, 0, 0])
        self.check(bytes(ether() / arp)[:41], {"eth_type": 0x0806})
        self.check(ether() / ARP(hwtype=6, **{k: arp.fields[k] for k in ("op", "psrc", "pdst")}), {"eth_type": 0x0806})

    def test_vlan(self):
        udp = {**IP4, "ip_proto": 17, "udp_src": 53, "udp_dst": 53}
        self.check(ether() / Dot1Q(vlan=5, prio=3) / ip4() / UDP(), {**udp, "vlan_vid": PRESENT | 5, "vlan_pcp": 3},
                   [18, 38, 46, 1, 0])
        # The outermost tag's, and the EtherType behind all of them.
        self.check(ether() / Dot1AD(vlan=100, prio=1) / Dot1Q(vlan=5, prio=3) / ip4() / UDP(),
                   {**udp, "vlan_vid": PRESENT | 100, "vlan_pcp": 1}, [22, 42, 50, 2, 0])
        self.check(ether() / Dot1Q(vlan=0, prio=7) / ip4() / UDP(), {**udp, "vlan_vid": PRESENT, "vlan_pcp": 7})
        many = ether()
        for _ in range(9):
            many = many / Dot1Q(vlan=1)
        self.check(many / ip4(), {"eth_type": 0x8100, "vlan_vid": PRESENT | 1}, [14 + 32, 0, 14 + 36 + 20, 8, 0])

    def test_mpls_and_pbb(self):
        label = MPLS(label=0xabcde, cos=5, s=0, ttl=9) / MPLS(label=3, s=1) / ip4()
        seen = {"mpls_label": 0xabcde, "mpls_tc": 5, "mpls_bos": 0}
        for kind in (0x8847, 0x8848):
            self.check(ether(type=kind) / label, {"eth_type": kind, **seen})
        self.check(ether(type=0x8847) / Raw(b"\0\0\1"), {"eth_type": 0x8847})
        self.check(ether(type=0x88e7) / Raw(b"\x60\x12\x34\x56" + bytes(14)), {"eth_type": 0x88e7, "pbb_isid": 0x123456})
        self.check(ether() / Dot1AD(vlan=8, type=0x88e7) / Raw(b"\x60\x12\x34\x56" + bytes(14)),
                   {"eth_type": 0x88e7, "pbb_isid": 0x123456, "vlan_vid": PRESENT | 8}, [18, 0, 36, 1, 0])

    def test_fragments(self):
        udp = {"ip_proto": 17, "udp_src": 53, "udp_dst": 53}
        self.check(ether() / ip4(flags="MF") / UDP(), {**IP4, **udp}, [14, 34, 42, 0, 1])
        self.check(ether() / ip4(frag=1, proto=17) / UDP(), {**IP4, "ip_proto": 17}, [14, 0, 42, 0, 1])
        frag = {**IP6, "ipv6_exthdr": 0x10}
        self.check(ether() / ip6() / IPv6ExtHdrFragment(m=1) / UDP(), {**frag, **udp}, [14, 62, 70, 0, 1])
        self.check(ether() / ip6() / IPv6ExtHdrFragment(m=0) / UDP(), {**frag, **udp}, [14, 62, 70, 0, 0])
        self.check(ether() / ip6() / IPv6ExtHdrFragment(offset=5, nh=17) / UDP(), {**frag, "ip_proto": 17}, [14, 0, 70, 0, 1])

    def exthdrs(self, headers, flags, **more):
        packet = ip6()
        for h in headers:
            packet = packet / h
        udp = {"ip_proto": 17, "udp_src": 53, "udp_dst": 53}
        self.check(ether() / packet / UDP(), {**IP6, **udp, "ipv6_exthdr": flags, **more})

    def test_extension_headers(self):
        hop, dest, route = IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), IPv6ExtHdrRouting()
        frag = IPv6ExtHdrFragment()
        unrep, unseq = 0x80, 0x100
        self.exthdrs([hop], 0x40)
        self.exthdrs([dest], 0x08)
        self.exthdrs([route], 0x20)
        self.exthdrs([auth(17)], 0x04)
        self.exthdrs([hop, dest, route, frag, auth(60), dest], 0x40 | 8 | 0x20 | 0x10 | 4)
        self.exthdrs([dest, hop], 0x48 | unseq)
        self.exthdrs([auth(43), route], 0x24 | unseq)
        self.exthdrs([route, route], 0x20 | unrep)
        self.exthdrs([dest, route, dest], 0x28)
        self.exthdrs([dest, route, dest, dest], 0x28 | unrep)
        no_next = {**IP6, "ip_proto": 59, "ipv6_exthdr": 1}
        self.check(ether() / ip6(nh=59), no_next)
        self.check(ether() / ip6() / ESP(data=bytes(20)), {**IP6, "ip_proto": 50, "ipv6_exthdr": 2})
        # One that is cut off, and more of them than are looked at.
        self.check(bytes(ether() / ip6() / hop / UDP())[:60], {**IP6, "ip_proto": 0, "ipv6_exthdr": 0x40})
        self.exthdrs([dest] * 15, 8 | unrep)
        packet = ip6()
        for _ in range(17):
            packet = packet / dest
        self.check(ether() / packet / UDP(), {**IP6, "ip_proto": 60, "ipv6_exthdr": 8 | unrep})

    def test_802_3(self):
        llc = Dot3(dst="02:00:00:00:00:01", src="02:00:00:00:00:02")
        self.check(llc / LLC(dsap=0x42, ssap=0x42) / Raw(bytes(40)), {"eth_type": 0x05ff})
        self.check(llc / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0, code=0x0800) / ip4() / UDP(),
                   {**IP4, "ip_proto": 17, "udp_src": 53, "udp_dst": 53}, [22, 42, 50, 0, 0])
        self.check(llc / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / SNAP(OUI=0xc, code=0x0800) / ip4(), {"eth_type": 0x05ff})

    def test_what_is_wrong(self):
        self.check(ether() / ip4(proto=47) / GRE(), {**IP4, "ip_proto": 47})
        for odd in (ip4(version=5), ip4(ihl=4), ip4(ihl=15), ip4(len=19)):
            self.check(ether(type=0x0800) / odd, {"eth_type": 0x0800})
        self.check(bytes(ether() / ip4())[:33], {"eth_type": 0x0800})
        self.check(bytes(ether() / ip6())[:53], {"eth_type": 0x86dd})
        self.check(bytes(ether(type=0x0800) / ip6()), {"eth_type": 0x0800})
        ((fields, layers),) = see(bytes(ether())[:13])
        self.assertEqual(fields, {**PORT, "eth_dst": 0, "eth_src": 0, "eth_type": 0, "vlan_vid": 0})
        self.assertEqual(layers, [0, 0, 13, 0, 0])


if __name__ == "__main__":
    unittest.main()
