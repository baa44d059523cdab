"""The control socket of Open vSwitch: JSON-RPC 1.0 over a Unix socket, without line ends."""

import json
import socket

from benchlib.errors import BenchError


class Unixctl:
    """A connection that is kept: what `ovs-appctl` does, without a process for each command."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.decoder, self.rest, self.number = json.JSONDecoder(), "", 0

    def __call__(self, method, *params):
        """The answer to a command."""
        return self.all([(method, *params)])[0]

    def all(self, commands):
        """The answers to many commands, sent one after the other without waiting."""
        first = self.number
        answers = []
        for begin in range(0, len(commands), 1000):
            part = commands[begin : begin + 1000]
            text = ""
            for method, *params in part:
                text += json.dumps({"method": method, "params": params, "id": self.number})
                self.number += 1
            self.socket.sendall(text.encode())
            answers += [self._answer(first + begin + i, c) for i, c in enumerate(part)]
        return answers

    def _answer(self, number, command):
        while True:
            try:
                answer, end = self.decoder.raw_decode(self.rest)
            except ValueError:
                data = self.socket.recv(1 << 20)
                if not data:
                    raise BenchError(f"Open vSwitch hung up at {command}") from None
                self.rest += data.decode()
                continue
            self.rest = self.rest[end:].lstrip()
            if answer["error"] is not None or answer["id"] != number:
                raise BenchError(f"Open vSwitch refused {command}: {answer['error']}")
            return answer["result"]

    def close(self):
        """Hangs up."""
        self.socket.close()
