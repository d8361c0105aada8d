# SPDX-License-Identifier: BSD-3-Clause
# A bare client of the control socket, for tests that must send what sluicectl would not.
import json
import socket


class Client:
    def __init__(self, path, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)  # waits while the queue of connections is full, as it would not with a timeout
        self.sock.settimeout(timeout)
        self.rest = b""

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    # The next line as JSON; None at the end of the connection.
    def answer(self):
        parts = [self.rest]
        while b"\n" not in parts[-1]:
            data = self.sock.recv(1 << 20)
            if not data:
                return None
            parts.append(data)
        line, _, self.rest = b"".join(parts).partition(b"\n")
        return json.loads(line)

    def call(self, method, **params):
        self.send(request(method, 1, **params))
        answer = self.answer()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def close(self):
        self.sock.close()


def request(method, number, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
