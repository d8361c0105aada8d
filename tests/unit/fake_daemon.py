#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A daemon that misbehaves on demand, for tests of sluicectl: fake_daemon.py SOCKET.

It speaks JSON-RPC as sluiced does, with a small schema, and has methods a real daemon must never have: it dies in the
middle of an answer, answers garbage, megabytes, late, out of turn or not at all. Ends when its standard input closes.
"""
import json
import os
import socket
import sys
import threading
import time

PORTS = [{"name": "vm1", "type": "vhost-user", "link": "up", "mtu": 1500, "queues": [0, 1]},
         {"name": "tap0", "type": "tap", "link": "down", "mtu": 9000, "queues": [0]}]


def p(name, kind, **more):
    return {"name": name, "type": kind, "help": "A %s." % kind, **more}


METHODS = [
    {"name": "echo", "help": "Answers its params.", "params": [
        p("b", "bool"), p("i", "int", min=0, max=9), p("n", "number"), p("s", "string"), p("name", "name"),
        p("mac", "mac"), p("e", "enum", choices=["alpha", "beta"]), p("li", "ints"), p("ls", "strings"),
        p("o", "object"), p("os", "objects", items=[p("x", "int")])]},
    {"name": "port.list", "help": "Lists ports.", "params": [p("name", "name")]},
    {"name": "port.set", "help": "Sets.", "changes": True,
     "params": [p("name", "name", required=True), p("mtu", "int", min=68, max=9702, unit="bytes"), p("admin", "bool")]},
    {"name": "port.add", "help": "Adds.", "changes": True,
     "params": [p("name", "name", required=True), p("type", "string", required=True)]},
    {"name": "events.subscribe", "help": "Subscribes.", "params": [p("topics", "strings", choices=["port", "link"])]},
    {"name": "rpc.ping", "help": "Answers.", "params": []},
    *[{"name": "fake." + n, "help": "Misbehaves.", "params": []}
      for n in ("die", "close", "garbage", "scalar", "huge", "noise", "slow", "mute", "other_id", "exit", "escape")],
]
SCHEMA = {"version": "fake", "methods": METHODS, "port_types": [
    {"name": "tap", "help": "A TAP.", "params": [p("ifname", "string")]},
    {"name": "vhost-user", "help": "A guest.", "params": [
        p("path", "string", required=True), p("queues", "int", min=1, max=8), p("mode", "enum", choices=["client", "server"])]}]}


class Client(threading.Thread):
    def __init__(self, conn):
        super().__init__(daemon=True)
        self.conn = conn

    def send(self, text):
        self.conn.sendall(text.encode() if isinstance(text, str) else text)

    def line(self, obj):
        self.send(json.dumps(obj) + "\n")

    def event(self, **params):
        self.line({"jsonrpc": "2.0", "method": "event", "params": params})

    def run(self):
        try:
            for text in self.conn.makefile("r"):
                request = json.loads(text)
                self.handle(request["id"], request["method"], request.get("params", {}))
        except OSError:
            pass

    def refuse(self, rid, code, message, **data):
        self.line({"jsonrpc": "2.0", "id": rid, "error": {"code": code, "message": message, "data": data}})

    def handle(self, rid, method, params):
        def answer(result):
            self.line({"jsonrpc": "2.0", "id": rid, "result": result})

        if method == "rpc.describe":
            answer(SCHEMA)
        elif method == "rpc.ping":
            answer("pong")
        elif method == "echo":
            answer(params)
        elif method == "port.list":
            answer([o for o in PORTS if params.get("name", o["name"]) == o["name"]])
        elif method == "port.set":
            if not 68 <= params.get("mtu", 1500) <= 9702:
                self.refuse(rid, -32602, "mtu is out of range", field="mtu", value=params["mtu"], allowed="68..9702")
            else:
                answer(True)
        elif method == "port.add":
            answer(params)
        elif method == "events.subscribe":
            answer(True)
            if params.get("topics") == ["port"]:
                for i in range(3):
                    self.event(topic="port", event="added", data={"name": "p%d" % i})
            else:
                threading.Timer(0.3, self.link_up).start()
        elif method.startswith("fake."):
            getattr(self, method[5:])(rid, answer)
        else:
            self.refuse(rid, -32601, "no such method", field="method", value=method)

    def link_up(self):
        PORTS[1]["link"] = "up"
        try:
            self.event(topic="link", event="up", data={"name": "tap0"})
        except OSError:
            pass  # has gone already

    def die(self, rid, answer):
        self.send('{"jsonrpc": "2.0", "id": %d, "resu' % rid)
        self.conn.shutdown(socket.SHUT_RDWR)

    def close(self, rid, answer):
        self.conn.shutdown(socket.SHUT_RDWR)

    def garbage(self, rid, answer):
        self.send(b"\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n")

    def scalar(self, rid, answer):
        self.send("42\n")

    def huge(self, rid, answer):
        answer([{"n": i, "text": "x" * 200} for i in range(100000)])

    def noise(self, rid, answer):
        for i in range(20000):
            self.event(topic="port", event="changed", data={"n": i})
        answer("after the noise")

    def slow(self, rid, answer):
        text = json.dumps({"jsonrpc": "2.0", "id": rid, "result": "all of it"}) + "\n"
        for c in text:
            self.send(c)
            time.sleep(0.005)

    def mute(self, rid, answer):
        open(sys.argv[1] + ".mute", "w").close()

    def other_id(self, rid, answer):
        self.line({"jsonrpc": "2.0", "id": rid - 1, "result": "a late answer"})
        answer("the right one")

    def escape(self, rid, answer):
        answer([{"name": "\x1b[31mred\x07\x9b2J"}])

    def exit(self, rid, answer):
        os.unlink(sys.argv[1])  # first, lest somebody still connects to a process that is about to end
        os._exit(0)


def main():
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(sys.argv[1])
    server.listen()

    def accept():
        while True:
            Client(server.accept()[0]).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    os.unlink(sys.argv[1])


main()
