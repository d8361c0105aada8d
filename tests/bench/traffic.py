# SPDX-License-Identifier: BSD-3-Clause
"""Frames for a scenario, as a pcap file that net_pcap replays from memory."""
import random
import struct


def mac(base, i):
    """The i-th unicast, locally administered MAC of a family."""
    return bytes([2, base]) + struct.pack(">I", i)


def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(dst, src, src_ip, dst_ip, sport, dport, size):
    """An IPv4/UDP frame of `size` bytes with its FCS counted, as line rates are, though the FCS is not in it."""
    length = size - 4 - 14
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, length, 0, 0, 64, 17, 0, src_ip, dst_ip)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    udp = struct.pack(">HHHH", sport, dport, length - 20, 0)
    return dst + src + b"\x08\x00" + ip + udp + bytes(length - 28)


def write_frames(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def write_pcap(path, flows, size=64, macs=1, seed=1):
    """`flows` UDP flows between `macs` sources and as many destinations, in random order, each once or, for few flows,
    as often as makes 1024 packets. size 0: nothing but Ethernet headers. Returns the destination MACs."""
    rng = random.Random(seed)
    order = list(range(flows)) * max(1, 1024 // flows)
    rng.shuffle(order)

    def frame(i):
        dst, src = mac(2, i % macs), mac(1, i % macs)
        return (udp_frame(dst, src, 0x0A000000 + i, 0x0B000000 + i % 65536, 1024 + i % 50000, 4789, size) if size
                else dst + src + b"\x88\xb5") # the type for local experiments
    write_frames(path, map(frame, order))
    return [":".join("%02x" % b for b in mac(2, i)) for i in range(macs)]
