# SPDX-License-Identifier: BSD-3-Clause
# Changes without end, and what of them must be there after a crash.
#
#   crash_changes.py load SOCKET FILE SEED [COUNT]   sends changes, 64 at a time, until the daemon dies (or COUNT of them
#                                                    are done) and writes to FILE what was sent and acknowledged
#   crash_changes.py check SOCKET FILE               compares; FILE then holds what is there
import json
import random
import sys

from rpc_client import Client, request

WINDOW = 64


def change(rng, bridges):
    """One request on the bridges as they are, and makes it to them too."""
    name = f"b{rng.randrange(200)}"
    if name not in bridges:
        bridges[name] = {"aging_time": rng.randrange(10, 1000), "mac_limit": rng.randrange(1000)}
        return "bridge.add", {"name": name, **bridges[name]}
    if rng.random() < 0.3:
        del bridges[name]
        return "bridge.del", {"name": name}
    bridges[name] = {"aging_time": rng.randrange(10, 1000), "mac_limit": rng.randrange(1000)}
    return "bridge.set", {"name": name, **bridges[name]}


def requests(seed, bridges):
    rng = random.Random(seed)
    number = 0
    while True:
        number += 1
        if rng.random() < 0.2:
            ops = [change(rng, bridges) for _ in range(rng.randrange(2, 6))]
            yield request("txn", number, ops=[{"method": m, "params": p} for m, p in ops])
        else:
            method, params = change(rng, bridges)
            yield request(method, number, **params)


def load(path, file, seed, count):
    with open(file) as f:
        base = json.load(f)["bridges"]
    source = requests(seed, dict(base))
    sent = acknowledged = 0
    client = Client(path)
    try:
        while acknowledged < count:
            while sent < min(acknowledged + WINDOW, count):
                sent += 1  # before it is sent: half of it may arrive
                client.send(next(source))
            answer = client.answer()
            if answer is None:
                break
            if "error" in answer:
                sys.exit(f"request {answer['id']} is refused: {answer['error']}")
            acknowledged += 1
            if answer["id"] != acknowledged:
                sys.exit(f"answer {answer['id']} comes in place of {acknowledged}")
    except (BrokenPipeError, ConnectionResetError):
        pass
    with open(file, "w") as f:
        json.dump({"bridges": base, "seed": seed, "sent": sent, "acknowledged": acknowledged}, f)


def check(path, file):
    with open(file) as f:
        was = json.load(f)
    there = {}
    for bridge in Client(path).call("config.get")["bridges"]:
        there[bridge["name"]] = {key: bridge[key] for key in ("aging_time", "mac_limit")}
    bridges = dict(was["bridges"])
    source = requests(was.get("seed"), bridges)
    done = 0
    for done in range(was.get("sent", 0) + 1):
        if done > 0:
            next(source)
        if done >= was.get("acknowledged", 0) and bridges == there:
            break
    else:
        sys.exit(f"what is there is none of the states from {was['acknowledged']} (acknowledged) to {was['sent']} (sent)")
    print(f"# {was.get('acknowledged', 0)} acknowledged, {was.get('sent', 0)} sent, {done} there, {len(there)} bridges")
    with open(file, "w") as f:
        json.dump({"bridges": there}, f)


if __name__ == "__main__":
    if sys.argv[1] == "load":
        load(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]) if len(sys.argv) > 5 else 1 << 60)
    else:
        check(sys.argv[2], sys.argv[3])
