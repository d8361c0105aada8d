# SPDX-License-Identifier: BSD-3-Clause
# Clients that behave badly in every way at once, while one that behaves well must be served.
#
#   rpc_abuse.py SOCKET PID
import random
import socket
import sys
import threading
import time

from rpc_client import Client, request

PATH, PID = sys.argv[1], sys.argv[2]
PING = request("rpc.ping", 1)
failures = []
over = threading.Event()


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(PATH)
    client.settimeout(60)
    return client


def send_all(client, data):
    try:
        client.sendall(data if isinstance(data, bytes) else data.encode())
    except OSError:
        pass  # cut off, as it may be


def memory_kib(what):
    with open(f"/proc/{PID}/status") as status:
        for line in status:
            if line.startswith(what):
                return int(line.split()[1])


def garbage():
    rng = random.Random(1)
    for _ in range(20):
        client = connect()
        send_all(client, rng.randbytes(100_000))
        client.close()


def nested():
    client = Client(PATH)
    client.send("[" * 200_000 + "\n" + PING)
    expect(client.answer().get("error", {}).get("code") == -32600, "deep nesting is refused")
    expect(client.answer().get("result") == "pong", "the next line is served")


def unfinished():
    clients = [connect() for _ in range(60)]
    for client in clients:
        send_all(client, '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":{"a":"' + "x" * 50_000)
    over.wait()


def deaf():
    clients = [connect() for _ in range(10)]
    for client in clients:
        client.settimeout(0.5)
        send_all(client, request("rpc.describe", 1) * 3000)
    over.wait()


def deaf_subscribers():
    clients = [connect() for _ in range(5)]
    for client in clients:
        send_all(client, request("events.subscribe", 1))
    busy = Client(PATH)
    for i in range(300):
        busy.call("bridge.add", name=f"e{i}")
        busy.call("bridge.del", name=f"e{i}")


def huge():
    head = '{"jsonrpc":"2.0","id":1,"method":"rpc.ping","params":{"a":"'
    client = Client(PATH, timeout=120)
    client.send(head + "x" * ((64 << 20) - len(head) - 100) + '"}}\n')
    expect(client.answer()["error"]["code"] == -32602, "64 MiB are read")
    client.send(head + "x" * (70 << 20) + '"}}\n' + PING)
    expect(client.answer()["error"]["code"] == -32600, "70 MiB are refused")
    expect(client.answer().get("result") == "pong", "and the next line is served")


def many_values():
    client = Client(PATH, timeout=120)
    client.send(b"[" + b"1," * (30 << 20) + b"1]\n" + PING.encode())
    expect(client.answer()["error"]["code"] == -32600, "a request that takes too much memory is refused")
    expect(client.answer().get("result") == "pong", "and the next line is served")


def storm():
    for i in range(2000):
        client = connect()
        if i % 3 == 0:
            send_all(client, PING)
        client.close()


def byte_by_byte():
    client = Client(PATH)
    for byte in PING.encode():
        client.send(bytes([byte]))
        time.sleep(0.01)
    expect(client.answer().get("result") == "pong", "one byte at a time is served")


def long_batch():
    client = connect()
    send_all(client, "[" + ",".join([PING] * 100_000) + "]")
    client.close()


def expect(true, what):
    if not true:
        failures.append(what)


def run(fn):
    try:
        fn()
    except Exception as error:  # any surprise is a failure of the test
        failures.append(f"{fn.__name__}: {error!r}")


def polite():
    client, worst, count = Client(PATH), 0, 0
    while not over.is_set():
        begin = time.monotonic()
        expect(client.call("rpc.ping") == "pong", "the polite client is answered")
        worst = max(worst, time.monotonic() - begin)
        count += 1
        time.sleep(0.005)
    print(f"# the polite client: {count} questions, the longest answer took {worst * 1000:.0f} ms")
    # Reading a request of 64 MiB takes its time on the one control thread; nothing may take longer than that.
    expect(worst < 15, f"the polite client waited {worst:.1f} s")


before = memory_kib("VmRSS")
watcher = threading.Thread(target=run, args=(polite,))
watcher.start()
abuses = [garbage, nested, unfinished, deaf, deaf_subscribers, huge, many_values, storm, byte_by_byte, long_batch]
threads = [threading.Thread(target=run, args=(fn,)) for fn in abuses]
for thread in threads:
    thread.start()
for thread, fn in zip(threads, abuses):
    if fn not in (unfinished, deaf):
        thread.join()
over.set()
for thread in threads + [watcher]:
    thread.join()
peak = memory_kib("VmHWM") - before
print(f"# memory: {peak >> 10} MiB more at the peak")
expect(peak < 2 << 20, f"{peak >> 10} MiB more memory")

# All of them are gone: there is room for others, up to the limit, and then it is said.
deadline = time.monotonic() + 30
while True:
    clients = [Client(PATH) for _ in range(250)]
    for client in clients:
        try:
            client.send(PING)
        except OSError:
            pass
    answers = [client.answer() for client in clients]
    for client in clients:
        client.close()
    if all(answer and answer.get("result") == "pong" for answer in answers):
        break
    if time.monotonic() > deadline:
        failures.append("clients that are gone still count")
        break
    time.sleep(0.2)
for failure in failures:
    print("FAILED:", failure)
sys.exit(1 if failures else 0)
