#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Controllers that mean harm, at a punix: socket of a switch, until the time is over.

  openflow_hostile.py noise SOCKET SECONDS                  floods, garbage, halves, refused changes: nothing is changed
  openflow_hostile.py mutate SOCKET SECONDS NETNS A,B,C     valid messages with some bytes wrong, while frames like those
                                                            of the tests, some bytes wrong, come in by the ports A, B, C"""
import random
import socket
import struct
import sys
import threading
import time

import openflow_behaviour
import openflow_cases
import openflow_tester
from openflow_suites import HEADER, message, messages

HELLO = message(0)
BUNDLES = 0x4f4e4600  # experimenter, of the extension for bundles


class Peer:
    """One of them: attack() is called again and again, each time with a connection of its own."""

    def __init__(self, path, end, attack, seed):
        self.path, self.end, self.attack, self.random = path, end, attack, random.Random(seed)
        self.attacks = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def over(self):
        return time.monotonic() > self.end

    def run(self):
        while not self.over():
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(1)
                try:
                    s.connect(self.path)
                    s.sendall(HELLO)
                    self.attacks += 1
                    self.attack(self, s)
                except OSError:
                    time.sleep(0.01)  # turned away, or cut off


def echoes(peer, s):
    """As many requests as are answered."""
    flood = message(2, bytes(100)) * 200
    while not peer.over():
        s.sendall(flood)
        left = len(flood)
        while left > 0:
            got = len(s.recv(1 << 16))
            if got == 0:
                return
            left -= got


def garbage(peer, s):
    s.settimeout(0.1)
    s.sendall(peer.random.randbytes(peer.random.randrange(1, 3000)))
    while s.recv(1 << 16):
        pass


def halves(peer, s):
    """A message that never ends."""
    s.sendall(HEADER.pack(4, 14, 60000, 9) + bytes(peer.random.randrange(5000)))
    while not peer.over() and peer.random.random() < 0.9:
        s.sendall(b"x")
        time.sleep(0.01)


def never_reads(peer, s):
    """Asks for what is long, and does not look at it."""
    while not peer.over():
        s.sendall(message(18, struct.pack("!HH4x", 12, 0)) * 100)


def refused(peer, s):
    """Flow-mods with a match that cannot be."""
    one = message(14, struct.pack("!QQBBHHHIIIH2x", 0, 0, 0, 0, 0, 0, 5, *[0xffffffff] * 3, 0) + struct.pack("!HHII4x", 1, 12, 0x80001604, 1))
    while not peer.over():
        s.sendall(one * 50)
        if not s.recv(1 << 16):
            return


def seeds():
    """Messages that are right."""
    for cases in openflow_cases.descriptions().values():
        for case in cases[::5]:
            for description in case["prerequisite"]:
                made = openflow_tester.message_of(description)
                made.set_xid(5)
                made.serialize()
                yield bytes(made.buf)
    for _, kind, body, _ in messages():
        yield message(kind, body)
        yield message(4, struct.pack("!IIIxxH", BUNDLES, 2301, 1, 3) + message(kind, body))
    for step in (0, 2, 4, 6):  # open, close, commit, discard
        yield message(4, struct.pack("!IIIHH", BUNDLES, 2300, 1, step, 3))


def mutations(valid):
    def attack(peer, s):
        r = peer.random
        s.settimeout(0.1)
        for _ in range(r.randrange(20, 300)):
            data = bytearray(r.choice(valid))
            for _ in range(r.choice((0, 0, 1, 1, 2, 5))):
                i = r.randrange(1, len(data))
                data[i] = r.choice((0, 1, 0xff, data[i] ^ 1 << r.randrange(8)))
            if r.random() < 0.2:
                del data[r.randrange(HEADER.size, len(data) + 1):]
            if r.random() < 0.95:  # or the length lies
                struct.pack_into("!H", data, 2, len(data))
            s.sendall(data)
        answers = time.monotonic() + 0.2  # packet-ins go on and on
        while time.monotonic() < answers and s.recv(1 << 16):
            pass
    return attack


def frames_in(ports, end):
    r = random.Random(3)
    cases = openflow_cases
    frames = [openflow_behaviour.octets(f) for f in (
        cases.TCP4, cases.TCP6, cases.UDP4, cases.SCTP4, cases.ICMP4, cases.ARP, cases.SOLICIT, cases.EXTENDED, cases.tagged(cases.TCP4),
        cases.labelled(cases.TCP6), cases.backbone(cases.TCP4))]
    while time.monotonic() < end:
        for port in ports:
            frame = bytearray(r.choice(frames))
            if r.random() < 0.4:
                frame[r.randrange(len(frame))] = r.randrange(256)
            if r.random() < 0.1:
                del frame[r.randrange(14, len(frame) + 1):]
            port.send(bytes(frame))
            while port.receive(0) is not None:
                pass
        time.sleep(0.001)


def main():
    mode, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    if mode == "noise":
        end = time.monotonic() + seconds
        peers = [Peer(path, end, attack, n) for n, attack in enumerate((echoes, garbage, garbage, halves, halves, never_reads, refused))]
    else:
        attack = mutations(list(seeds()))  # which takes a while
        end = time.monotonic() + seconds
        peers = [Peer(path, end, attack, n) for n in range(3)]
        frames_in(openflow_tester.in_namespace(sys.argv[4], lambda: [openflow_tester.Port(i) for i in sys.argv[5].split(",")]), end)
    for peer in peers:
        peer.thread.join()
    print(" ".join("%d" % peer.attacks for peer in peers))
    return 0 if all(peer.attacks > 0 for peer in peers) else 1


if __name__ == "__main__":
    sys.exit(main())
