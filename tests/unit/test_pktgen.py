#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Traffic profiles: all fit their schema, each makes the frames that Scapy makes of it, and what is wrong is refused by
name: test_pktgen.py PKTGEN_DUMP PROFILES"""
import copy
import glob
import json
import os
import re
import struct
import subprocess
import sys
import unittest

import jsonschema

import pktgen_model
import trex_model

DUMP, FOLDER = sys.argv[1:3]
with open(FOLDER + "/schema.json") as schema_file:
    SCHEMA = jsonschema.Draft202012Validator(json.load(schema_file))


def profiles():
    for path in sorted(glob.glob(FOLDER + "/*.json")):
        if not path.endswith("/schema.json"):
            with open(path) as f:
                yield os.path.basename(path)[:-5], json.load(f)


def dump(profile, n=1):
    r = subprocess.run([DUMP, str(n)], input=json.dumps(profile), stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return r.stdout.splitlines()


def export(profile, form, n=1):
    r = subprocess.run([DUMP, str(n), form], input=json.dumps(profile).encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    return r.stdout


def pcap_frames(data):
    magic, major, minor, _, _, _, link = struct.unpack("<IHHIIII", data[:24])
    assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 1)
    at = 24
    while at < len(data):
        seconds, ns, size, whole = struct.unpack("<IIII", data[at:at + 16])
        assert size == whole
        yield seconds * 10**9 + ns, data[at + 16:at + 16 + size]
        at += 16 + size


def words_sum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    return (total - 1) % 0xFFFF + 1


# What the manual of Pktgen-DPDK knows, as far as it is used here.
PKTGEN_DPDK = re.compile(r"""\# .*
    |range\ 0\ (src|dst)\ mac\ (start|min|max|inc)\ ([0-9a-f]{2}:){5}[0-9a-f]{2}
    |range\ 0\ (src|dst)\ ip\ (start|min|max|inc)\ [0-9a-f.:]+
    |range\ 0\ (src|dst)\ port\ (start|min|max|inc)\ \d+
    |range\ 0\ (vlan|size)\ (start|min|max|inc)\ \d+
    |range\ 0\ mpls\ entry\ [0-9a-f]+
    |range\ 0\ proto\ (tcp|udp)
    |range\ 0\ tcp\ flag\ (set|clr)\ (syn|ack)
    |range\ 0\ type\ ipv[46]
    |set\ 0\ qinqids\ \d+\ \d+
    |enable\ 0\ (vlan|qinq|mpls|range)""", re.X)

BASE = {"name": "base", "layers": [{"layer": "eth"}, {"layer": "ipv4"}, {"layer": "udp"}], "size": 64}

# What is at fault (the path to a member and its new value; None takes it away), the field that the error names, and a part of
# what it allows.
WRONG = [
    (["name"], None, "profile.name", "1-31 of"),
    (["name"], "a b", "profile.name", "1-31 of"),
    (["colour"], 1, "profile.colour", "layers"),
    (["layers"], None, "profile.layers", ""),
    (["layers"], [], "profile.layers", "1..16"),
    (["layers"], {}, "profile.layers", "1..16"),
    (["layers", 0], {"layer": "ethernet"}, "profile.layers[0].layer", "eth, vlan"),
    (["layers", 0], 7, "profile.layers[0]", "eth, vlan"),
    (["layers", 0], {"layer": "ipv4"}, "profile.layers[0].layer", "eth"),
    (["layers", 1], {"layer": "udp"}, "profile.layers[1].layer", "ipv6, nothing"),
    (["layers", 2], {"layer": "vxlan"}, "profile.layers[2].layer", "udp, tcp"),
    (["layers", 2], {"layer": "gre"}, "profile.layers", "eth, mpls, ipv4, ipv6"),
    (["layers", 0, "type"], 2048, "profile.layers[0].type", "no layer behind"),
    (["layers", 0, "vlan"], 1, "profile.layers[0].vlan", "dst, src, type"),
    (["layers", 0, "dst"], "02:00:00:00:00", "profile.layers[0].dst", "aa:bb:cc"),
    (["layers", 1, "src"], "300.0.0.1", "profile.layers[1].src", "IPv4"),
    (["layers", 1, "src"], {"walk": "dance"}, "profile.layers[1].src.walk", "inc or random"),
    (["layers", 1, "src"], {"walk": "inc", "from": "10.0.0.1"}, "profile.layers[1].src.count", "1..16777216"),
    (["layers", 1, "src"], {"walk": "inc", "from": "10.0.0.1", "count": 0}, "profile.layers[1].src.count", "1..16777216"),
    (["layers", 1, "src"], {"walk": "inc", "from": "255.255.255.250", "count": 7}, "profile.layers[1].src.count", "at most 6"),
    (["layers", 1, "src"], {"walk": "inc", "count": 7}, "profile.layers[1].src.from", "IPv4"),
    (["layers", 1, "src"], {"walk": "inc", "from": "10.0.0.1", "to": "10.0.0.2"}, "profile.layers[1].src.to", "step, count"),
    (["layers", 1, "src"], {"walk": "random", "in": "10.0.0.1/8"}, "profile.layers[1].src.in", "10.0.0.0/8"),
    (["layers", 1, "src"], {"walk": "random", "in": []}, "profile.layers[1].src.in", "one or more"),
    (["layers", 1, "src"], {"walk": "random", "in": ["10.0.0.0/8", "x"]}, "profile.layers[1].src.in[1]", "10.0.0.0/8"),
    (["layers", 1, "src"], {"walk": "random", "in": "10.0.0.0/8", "to": "10.0.0.1"}, "profile.layers[1].src.in", "or in"),
    (["layers", 1, "src"], {"walk": "random", "from": "10.0.0.2", "to": "10.0.0.1"}, "profile.layers[1].src.to", "not below"),
    (["layers", 1, "ttl"], 256, "profile.layers[1].ttl", "0..255"),
    (["layers", 1, "ttl"], {"walk": "inc", "from": 1, "count": 2}, "profile.layers[1].ttl", "a constant"),
    (["layers", 2, "src"], 65536, "profile.layers[2].src", "0..65535"),
    (["layers", 2, "src"], -1, "profile.layers[2].src", "0..65535"),
    (["layers", 2, "src"], {"walk": "random", "in": "10.0.0.0/8"}, "profile.layers[2].src.in", "from and to"),
    (["size"], 63, "profile.size", "64..9720"),
    (["size"], 9721, "profile.size", "64..9720"),
    (["size"], "64", "profile.size", "64..9720"),
    (["size"], None, "profile.size", "one of size and sizes"),
    (["sizes"], [{"size": 64}], "profile.size", "one of size and sizes"),
    (["layers", 1], {"layer": "ipv6"}, "profile.size", "82..9720"),
    (["flows"], 0, "profile.flows", "1..16777216"),
    (["flows"], 16777217, "profile.flows", "1..16777216"),
    (["flows"], 2, "profile.flows", "a field that walks"),
    (["layers", 2, "src"], {"walk": "inc", "from": 1, "count": 2}, "profile.flows", "1..16777216"),
    (["rate"], {}, "profile.rate", "one of pps and bps"),
    (["rate"], {"pps": 1, "bps": 1000}, "profile.rate", "one of pps and bps"),
    (["rate"], {"pps": 0}, "profile.rate.pps", "1..1000000000"),
    (["rate"], {"bps": 10}, "profile.rate.bps", "1000..1000000000000"),
    (["burst"], {"on": 1}, "profile.burst.off", "0..3600"),
    (["burst"], {"on": 0, "off": 1}, "profile.burst.on", "0.000001"),
    (["stamp"], 1, "profile.stamp", "true or false"),
]


def changed(path, value):
    p = copy.deepcopy(BASE)
    at = p
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return p


class Profiles(unittest.TestCase):
    def test_fit_their_schema_and_name(self):
        n = 0
        for name, p in profiles():
            with self.subTest(name):
                SCHEMA.validate(p)
                self.assertEqual(p["name"], name)
            n += 1
        self.assertGreaterEqual(n, 25)

    def test_make_the_frames_that_scapy_makes(self):
        for name, p in profiles():
            # Past the last flow where there are few; and far between where there are many.
            n = min(p.get("flows", 1) + 3, 103)
            with self.subTest(name):
                got = dump(p, n)
                self.assertEqual(len(got), n, got[0])
                for k, want in enumerate(pktgen_model.frames(p, n)):
                    self.assertEqual(got[k], want.hex(), "frame %d" % k)

    def test_flows_begin_again_after_the_last(self):
        for name, p in profiles():
            if p.get("flows", 1) <= 1000:
                with self.subTest(name):
                    weights = sum(s.get("weight", 1) for s in p.get("sizes", [{}]))
                    period = p.get("flows", 1) * weights
                    got = dump(p, 2 * period)
                    self.assertEqual(got[:period], got[period:])
                    self.assertEqual(len(set(got[:p.get("flows", 1)])), p.get("flows", 1))

    def test_flows_far_apart(self):
        for name in "flows-100k", "ipv4-routes", "acl":
            with open("%s/%s.json" % (FOLDER, name)) as f:
                p = json.load(f)
            got = dump(p, 100001)
            for k in 65535, 65536, 99999, 100000:
                self.assertEqual(got[k], pktgen_model.frame(p, k % p["flows"], p["size"]).hex())

    def test_other_combinations_of_layers(self):
        every = {"layer": "ipv4", "tos": 184, "id": {"walk": "inc", "from": 65530, "count": 6}, "df": 1, "ttl": 1, "src": "1.2.3.4"}
        for layers in (
                [{"layer": "eth", "type": 0x1234}],
                [{"layer": "eth"}, {"layer": "vlan", "pcp": 5, "id": {"walk": "random", "from": 1, "to": 4094}}],
                [{"layer": "eth"}, dict(every, proto=89)],
                [{"layer": "eth"}, every, {"layer": "tcp", "flags": 18, "seq": 4294967295, "ack": 77, "window": 0}],
                [{"layer": "eth"}, every, {"layer": "ipv4", "dst": {"walk": "random", "in": "0.0.0.0/0"}}, {"layer": "udp"}],
                [{"layer": "eth"}, every, {"layer": "ipv6", "dst": {"walk": "random", "in": "::/0"}}, {"layer": "tcp"}],
                [{"layer": "eth"}, {"layer": "mpls", "tc": 7, "ttl": 3}, {"layer": "ipv6", "tc": 3, "hop_limit": 9}, {"layer": "udp"}],
                [{"layer": "eth"}, {"layer": "ipv6"}, {"layer": "udp"}, {"layer": "vxlan"}, {"layer": "eth"}, every],
                [{"layer": "eth"}, every, {"layer": "gre"}, {"layer": "mpls"}, {"layer": "ipv4"}, {"layer": "udp", "dst": {
                    "walk": "inc", "from": 1, "step": 2, "count": 32768}}],
        ):
            p = {"name": "x", "layers": layers, "sizes": [{"size": 200, "weight": 2}, {"size": 333}]}
            p["flows"] = 50 if "walk" in json.dumps(layers) else 1
            with self.subTest(json.dumps(layers)):
                SCHEMA.validate(p)
                got = dump(p, 50)
                self.assertEqual(got, [f.hex() for f in pktgen_model.frames(p, 50)])

    def test_pcap_has_the_frames_with_stamps_that_keep_checksums_right(self):
        for name, p in profiles():
            n = 20
            with self.subTest(name):
                got = list(pcap_frames(export(p, "pcap", n)))
                self.assertEqual(len(got), n)
                for k, (frame, want) in enumerate(zip(got, pktgen_model.frames(p, n))):
                    stamped = 16 if p.get("stamp", True) else 0
                    self.assertEqual(frame[1][:len(want) - stamped], want[:len(want) - stamped])
                    if stamped:
                        magic, stream, sequence = struct.unpack(">HHI", frame[1][-16:-8])
                        self.assertEqual((magic, stream, sequence), (0x51CE, 0, k))
                        # Zeros were there when the checksums were computed: in ones' complement that is the same.
                        self.assertEqual(words_sum(frame[1][-16:]), 0xFFFF)

    def test_pcap_is_timed_as_the_profile_says(self):
        with open(FOLDER + "/microbursts.json") as f:
            p = json.load(f)
        times = [t for t, _ in pcap_frames(export(p, "pcap", 1000))]
        each = int(0.0001 * 10e9 / 8 / (256 + 20))
        self.assertLess(abs(times[1] - (256 + 20) * 8 / 10), 1)
        self.assertLess(times[each - 1], 100_000)
        self.assertEqual(times[each], 1_000_000)
        self.assertEqual(times[2 * each], 2_000_000)

    def test_trex_profile_makes_the_same_frames(self):
        for name, p in profiles():
            with self.subTest(name):
                drawn = any(isinstance(v, dict) and v["walk"] == "random" and "in" not in v for layer in p["layers"] for v in layer.values())
                text = export(p, "trex").decode()
                n = min(p["flows"] + 3, 53)
                for size, got in trex_model.frames(text, n):
                    want = [pktgen_model.frame(p, k % p["flows"], size + 4) for k in range(n)]
                    if drawn:
                        self.assertEqual([len(f) for f in got], [len(f) for f in want])
                    else:
                        self.assertEqual([f.hex() for f in got], [f.hex() for f in want])

    def test_pktgen_dpdk_gets_commands_that_it_knows(self):
        refused = []
        for name, p in profiles():
            text = export(p, "pktgen-dpdk").decode()
            if text.splitlines()[-1].startswith("{"):
                fault = json.loads(text.splitlines()[-1])
                self.assertIn("export pcap", fault["message"])
                refused.append((name, fault["field"]))
                continue
            for line in text.splitlines():
                self.assertTrue(PKTGEN_DPDK.fullmatch(line), "%s: %s" % (name, line))
            for what in "range 0 size start", "range 0 dst mac start", "enable 0 range":
                self.assertIn("\n" + what, text)
        self.assertEqual(sorted(refused), [("gre", "profile.layers[2]"), ("gre-eth", "profile.layers[2]"), ("mpls", "profile.layers[2]"),
                                   ("vxlan", "profile.layers[3]")])

    def test_what_is_wrong_is_refused_with_its_path(self):
        self.assertEqual(len(dump(BASE)[0]), 120)
        for path, value, field, allowed in WRONG:
            with self.subTest("%s = %s" % (path, json.dumps(value))):
                fault = json.loads(dump(changed(path, value))[0])
                self.assertEqual(fault["field"], field, fault)
                self.assertIn(allowed, fault["allowed"])
                self.assertTrue(fault["message"])

    def test_too_much_is_refused(self):
        deep = {"name": "x", "size": 1500, "layers": [{"layer": "eth"}] + 8 * [{"layer": "ipv6"}]}
        self.assertIn("240 bytes", json.loads(dump(deep)[0])["allowed"])
        heavy = dict(BASE, sizes=[{"size": 64, "weight": 1000}, {"size": 128, "weight": 100}])
        del heavy["size"]
        self.assertEqual(json.loads(dump(heavy)[0])["field"], "profile.sizes")
        empty = dict(BASE, rate={"pps": 10}, burst={"on": 0.01, "off": 1})
        self.assertEqual(json.loads(dump(empty)[0])["field"], "profile.burst")
        many = changed(["layers", 1, "src"], {"walk": "random", "in": ["10.%d.0.0/16" % i for i in range(64)]})
        self.assertIn("63 prefixes", json.loads(dump(many)[0])["allowed"])
        self.assertEqual(json.loads(dump([])[0])["field"], "profile")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
