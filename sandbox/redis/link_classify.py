"""Tells by the first commands of a connection whether a replica, a Sentinel or a client made it. No I/O here."""

from typing import Literal

Kind = Literal["unknown", "replica", "sentinel", "client"]

_LONGEST_OPENING = 16_384


class Classifier:
    """Reads the beginning of a connection until it is clear who speaks.

    A replica opens with PING, AUTH and REPLCONF, which carries the address that it announces, up to PSYNC; whoever
    announces no such port is a client that takes a dump. A Sentinel names itself "sentinel-…" after AUTH. Whoever says
    anything else first is a client.
    """

    def __init__(self) -> None:
        self.kind: Kind = "unknown"
        self._buffer = b""
        self._pings = 0
        self._replica = {b"ip-address": b"", b"listening-port": b""}

    @property
    def replica_address(self) -> str:
        """The announced "host:port", once the kind is "replica"."""
        return f"{self._replica[b'ip-address'].decode()}:{self._replica[b'listening-port'].decode()}"

    @property
    def _announces_a_port(self) -> bool:
        port = self._replica[b"listening-port"]
        return port.isdigit() and 0 < int(port) < 65_536

    def feed(self, data: bytes) -> Kind:
        """Take the next bytes; "unknown" as long as it is not clear."""
        self._buffer += data
        while self.kind == "unknown" and (command := self._next()):
            self.kind = self._judge(command)
        if self.kind == "unknown" and len(self._buffer) > _LONGEST_OPENING:
            self.kind = "client"
        return self.kind

    def _next(self) -> list[bytes] | None:
        """One complete command off the buffer; those that are not RESP arrays count as one word."""
        head, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return None
        if not head.startswith(b"*"):
            self._buffer = rest
            return [head]
        words = []
        for _ in range(int(head[1:])):
            size, found, rest = rest.partition(b"\r\n")
            length = int(size[1:]) if found else 0
            if not found or len(rest) < length + 2:
                return None
            words.append(rest[:length])
            rest = rest[length + 2 :]
        self._buffer = rest
        return words

    def _judge(self, command: list[bytes]) -> Kind:
        name, *arguments = command
        match name.upper():
            case b"AUTH":
                return "unknown"
            case b"PING" if not self._pings:
                self._pings += 1
                return "unknown"
            case b"REPLCONF":
                self._replica.update(zip(arguments[::2], arguments[1::2], strict=False))
                return "unknown"
            case b"PSYNC" | b"SYNC" if self._announces_a_port:
                return "replica"
            case b"CLIENT" if len(arguments) > 1 and arguments[1].startswith(b"sentinel-"):
                return "sentinel"
        return "client"
