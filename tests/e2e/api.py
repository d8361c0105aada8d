#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds a daemon to its own word: api.py SOCKET

Every method that rpc.describe declares is called with each of its parameters of a wrong type, out of range, unknown or
missing, and must answer -32602 and name the field; the desired state must be the same afterwards.
"""
import json
import socket
import sys

WRONG_TYPES = {"bool": 1, "int": "x", "number": "x", "string": 7, "name": 7, "mac": 7, "enum": 7, "ints": {}, "strings": {},
               "object": [], "objects": {}}
WRONG_VALUES = {"name": "no blanks", "mac": "02:00", "enum": "no such choice", "ints": ["x"],
                "strings": [1], "objects": [1]}


class Daemon:
    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(path)
        self.file = self.stream.makefile("rwb")
        self.calls = 0

    def call(self, method, params):
        self.calls += 1
        self.file.write(json.dumps({"jsonrpc": "2.0", "id": self.calls, "method": method, "params": params}).encode() + b"\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        assert answer["id"] == self.calls, answer
        return answer


def some_value(p):
    """A value of the right type, so that only one parameter of a call is wrong."""
    kind, low = p["type"], p.get("min")
    return {"bool": True, "int": low or 0, "number": low or 0, "string": "x" * max(1, low or 1), "name": "x",
            "mac": "02:00:00:00:00:01", "enum": (p.get("choices") or ["x"])[0], "ints": [], "strings": [], "object": {},
            "objects": [], "value": 1}[kind]


def wrong_values(p):
    if p["type"] == "value":  # any; the method itself looks at it
        return
    yield WRONG_TYPES[p["type"]]
    if p["type"] in WRONG_VALUES:
        yield WRONG_VALUES[p["type"]]
    if p["type"] in ("int", "number"):
        if p.get("min") is not None:
            yield p["min"] - 1
        if p.get("max") is not None:
            yield p["max"] + 1
    if p["type"] == "string" and p.get("max"):
        yield "x" * (p["max"] + 1)


def refused(daemon, method, params, field):
    error = daemon.call(method, params).get("error")
    assert error, "%s %s was taken" % (method, params)
    assert error["code"] == -32602, (method, params, error)
    got = error.get("data", {}).get("field", "")
    assert got.startswith(field), "%s %s names '%s', not '%s'" % (method, params, got, field)


def check_method(daemon, m):
    params = [p for p in m.get("params", []) if p["name"] != "dry_run"]
    required = {p["name"]: some_value(p) for p in params if p.get("required")}
    for p in params:
        for value in wrong_values(p):
            refused(daemon, m["name"], dict(required, **{p["name"]: value}), p["name"])
        if p.get("required"):
            refused(daemon, m["name"], {k: v for k, v in required.items() if k != p["name"]}, p["name"])
    if m["name"] != "port.add":  # which takes what the port's type takes besides
        refused(daemon, m["name"], dict(required, no_such_parameter=1), "no_such_parameter")
    if m["changes"]:
        refused(daemon, m["name"], dict(required, dry_run="x"), "dry_run")


def main():
    daemon = Daemon(sys.argv[1])
    described = daemon.call("rpc.describe", {})["result"]
    before = daemon.call("config.get", {})["result"]
    for m in described["methods"]:
        assert m["help"] and m["result"], m
        check_method(daemon, m)
    for t in described["port_types"]:
        required = dict({q["name"]: some_value(q) for q in t["params"] if q.get("required")}, name="x", type=t["name"])
        refused(daemon, "port.add", dict(required, no_such_parameter=1), "no_such_parameter")
        for p in t["params"]:
            for value in wrong_values(p):
                refused(daemon, "port.add", dict(required, **{p["name"]: value}), p["name"])
    assert daemon.call("config.get", {})["result"] == before, "a refused call changed something"
    assert daemon.call("no.such.method", {})["error"]["code"] == -32601
    print("%d methods, %d calls" % (len(described["methods"]), daemon.calls))


main()
