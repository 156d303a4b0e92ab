"""Gives each topology addresses of its own, so that several on one machine never meet."""

import platform
import random
import socket

NODE_PORT, SENTINEL_PORT = 6379, 26379
_GUARD = 254


class Block:
    """One 127.a.b.0/24 that no other topology uses, held by bound sockets until `close`.

    Linux answers on all of 127.0.0.0/8. Elsewhere every server shares 127.0.0.1 and differs by port.
    """

    def __init__(self) -> None:
        self._shared = platform.system() != "Linux"
        self._guards: list[socket.socket] = []
        self._ports = (NODE_PORT, SENTINEL_PORT)
        self._prefix = "127.0.0"
        if not self._shared:
            self._reserve()

    def node(self, number: int) -> tuple[str, int]:
        """Host and port for data node `number`, from 1."""
        return self._address(number, self._ports[0])

    def data(self, host: int, index: int) -> tuple[str, int]:
        """Host and port for the data node `index`, from 0, of host `host`, from 1: several may share a host."""
        address, port = self._address(host, self._ports[0])
        return address, port if self._shared else port + index

    def link(self, number: int) -> tuple[str, int]:
        """Host and port for the proxy in front of data node `number`."""
        return self._address(100 + number, self._ports[0])

    def sentinel(self, number: int) -> tuple[str, int]:
        """Host and port for Sentinel `number`, from 1."""
        return self._address(200 + number, self._ports[1])

    def sentinel_link(self, number: int) -> tuple[str, int]:
        """Host and port for the proxy in front of Sentinel `number`."""
        return self._address(150 + number, self._ports[1])

    def program(self, number: int, port: int) -> str:
        """Where program `number`, from 1, may listen that is no Redis: "host:port"."""
        return "{}:{}".format(*self._address(number, port))

    def close(self) -> None:
        """Let others have the block."""
        for guard in self._guards:
            guard.close()
        self._guards.clear()

    def _address(self, number: int, port: int) -> tuple[str, int]:
        if not self._shared:
            return f"{self._prefix}.{number}", port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return "127.0.0.1", probe.getsockname()[1]

    def _reserve(self) -> None:
        for attempt in range(200):
            self._prefix = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
            if attempt >= 10:
                # Something listens on these ports at every address: below the kernel's own range there are others.
                port = random.randrange(10_000, 32_000, 2)
                self._ports = (port, port + 1)
            if self._hold():
                return
        raise OSError("No free block of addresses in 127.0.0.0/8 after 200 attempts.")

    def _hold(self) -> bool:
        for port in self._ports:
            guard = socket.socket()
            self._guards.append(guard)
            try:
                guard.bind((f"{self._prefix}.{_GUARD}", port))
            except OSError:
                self.close()
                return False
        return True
