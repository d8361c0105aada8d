#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""frames.py NS1 INTERFACE1 TAG1 NS2 INTERFACE2 TAG2: sends frames with VLAN tag TAG1 ("-": untagged) at one interface,
and succeeds if one comes out of the other with tag TAG2; "none": if none comes within a second, with whatever tag.
It speaks raw Ethernet, since not every kernel has VLAN interfaces."""
import ctypes, os, secrets, socket, struct, sys, time

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
TP_STATUS_VLAN_VALID = 0x10
libc = ctypes.CDLL(None, use_errno=True)


def open_in(namespace, interface):
    with open(f"/run/netns/{namespace}") as ns:
        if libc.setns(ns.fileno(), 0x40000000) != 0:
            sys.exit(f"setns {namespace}: {os.strerror(ctypes.get_errno())}")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.bind((interface, 0))
    return s


def receive(s):
    """A frame's tag ("-" if it has none) and what is behind the EtherType."""
    data, control, _, _ = s.recvmsg(9100, 100)
    tag = "-"
    for level, kind, value in control:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                tag = str(tci & 0xFFF)
    if data[12:14] == b"\x81\x00":
        tag, data = str(struct.unpack("!H", data[14:16])[0] & 0xFFF), data[:12] + data[16:]
    return tag, data[14:]


def main():
    ns1, interface1, tag1, ns2, interface2, tag2 = sys.argv[1:]
    out, into = open_in(ns1, interface1), open_in(ns2, interface2)
    mark = secrets.token_bytes(16)
    head = b"\xff" * 6 + b"\x02\0\0\0\0" + bytes([secrets.randbelow(200)])
    tag = b"" if tag1 == "-" else b"\x81\0" + struct.pack("!H", int(tag1))
    frame = head + tag + b"\x88\xb5" + mark + bytes(40)
    end = time.monotonic() + (1 if tag2 == "none" else 10)
    into.settimeout(0.1)
    while time.monotonic() < end:
        out.send(frame)
        try:
            got, payload = receive(into)
        except socket.timeout:
            continue
        if payload.startswith(mark):
            print(f"sent {tag1}, received {got}")
            return 0 if got == tag2 else 1
    return 0 if tag2 == "none" else 1


sys.exit(main())
