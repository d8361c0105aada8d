# SPDX-License-Identifier: BSD-3-Clause
"""TRex's field engine, as much as exported profiles use of it: runs a profile and gives the frames of each stream."""
import struct
import sys
import types



class Recorded:
    def __init__(self, **kw):
        self.__dict__.update(kw)


class STLVmFlowVar(Recorded):
    def value(self, k):
        if hasattr(self, "value_list"):
            return self.value_list[k % len(self.value_list)]
        if self.op == "random":
            return self.min_value + k % (self.max_value - self.min_value + 1)
        return self.min_value + k * self.step % (self.max_value - self.min_value + self.step)


class STLVmWrFlowVar(Recorded):
    def write(self, frame, value, size):
        frame[self.pkt_offset:self.pkt_offset + size] = value.to_bytes(size, "big")


class STLVmWrMaskFlowVar(Recorded):
    def write(self, frame, value, size):
        at = slice(self.pkt_offset, self.pkt_offset + self.pkt_cast_size)
        word = int.from_bytes(frame[at], "big") & ~self.mask | value << self.shift & self.mask
        frame[at] = word.to_bytes(self.pkt_cast_size, "big")


class STLVmFixIpv4(Recorded):
    pass


class STLVmFixChecksumHw(Recorded):
    pass


class STLTXCont(Recorded):
    pass


class STLTXMultiBurst(Recorded):
    pass


class STLPktBuilder(Recorded):
    pass


class STLStream(Recorded):
    pass


class CTRexVmInsFixHwCs:
    L4_TYPE_UDP, L4_TYPE_TCP = 11, 13


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def fix_ipv4(frame, at):
    frame[at + 10:at + 12] = b"\0\0"
    frame[at + 10:at + 12] = checksum(bytes(frame[at:at + 20])).to_bytes(2, "big")


def fix_hw(frame, fix):
    l3, l4, udp = fix.l3_offset, fix.l4_offset, fix.l4_type == CTRexVmInsFixHwCs.L4_TYPE_UDP
    at = l4 + (6 if udp else 16)
    v4 = frame[l3] >> 4 == 4
    if v4:
        fix_ipv4(frame, l3)
    frame[at:at + 2] = b"\0\0"
    addresses = frame[l3 + 12:l3 + 20] if v4 else frame[l3 + 8:l3 + 40]
    pseudo = bytes(addresses) + struct.pack(">II", len(frame) - l4, 17 if udp else 6)
    frame[at:at + 2] = (checksum(pseudo + bytes(frame[l4:])) or 0xFFFF).to_bytes(2, "big")


def run_vm(packet, vm, k):
    frame, variables = bytearray(packet), {}
    for command in vm:
        if isinstance(command, STLVmFlowVar):
            variables[command.name] = command.value(k), command.size
        elif isinstance(command, STLVmFixIpv4):
            fix_ipv4(frame, command.offset)
        elif isinstance(command, STLVmFixChecksumHw):
            fix_hw(frame, command)
        else:
            command.write(frame, *variables[command.fv_name])
    return bytes(frame)


def frames(text, n):
    """[(bytes of the frames, the first n)] of each stream."""
    api = types.ModuleType("trex_stl_lib.api")
    api.__dict__.update({name: v for name, v in globals().items() if name.startswith(("STL", "CTRex"))})
    api.STLScVmRaw = list
    sys.modules["trex_stl_lib"] = types.ModuleType("trex_stl_lib")
    sys.modules["trex_stl_lib.api"] = api
    space = {}
    exec(compile(text, "exported profile", "exec"), space)
    for stream in space["register"]().get_streams():
        assert isinstance(stream.mode, (STLTXCont, STLTXMultiBurst)) and stream.mode.pps > 0
        packet = stream.packet
        yield len(packet.pkt_buffer), [run_vm(packet.pkt_buffer, packet.vm, k) for k in range(n)]
