"""Disturbs what goes to a data node: the controlling side of the proxies that run in a process of their own."""

import asyncio
import contextlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from typing import Literal

Flow = Literal["pass", "cut", "hold"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a proxy treats connections by who made them: pass them, cut (reset) them, or hold everything (a black hole).

    `cut_replicas` are announced addresses. `delay_s` is added from master to replica, `delay_back_s` the other way.
    """

    replica: Flow = "pass"
    sentinel: Flow = "pass"
    client: Flow = "pass"
    cut_replicas: tuple[str, ...] = ()
    delay_s: float = 0.0
    delay_back_s: float = 0.0


class Link:
    """The proxy in front of one data node: all that comes in under its announced address.

    What the node itself sends out as a replica goes through the link of its master.
    """

    def __init__(self, name: str, process: "LinkProcess") -> None:
        self._name = name
        self._process = process
        self.rules = Rules()

    async def delay_replication(self, seconds: float, back_s: float = 0.0) -> None:
        """Let replicas receive everything that much later, in order and without throttling; `back_s` the other way."""
        await self._apply(replace(self.rules, delay_s=seconds, delay_back_s=back_s))

    async def cut(self, *, replicas: bool = True, sentinels: bool = True, clients: bool = False) -> None:
        """Reset the connections of these kinds, and each new one."""
        await self._set("cut", replicas=replicas, sentinels=sentinels, clients=clients)

    async def black_hole(self, *, replicas: bool = True, sentinels: bool = True, clients: bool = True) -> None:
        """Accept these kinds and keep them open, but let nothing through until `heal`."""
        await self._set("hold", replicas=replicas, sentinels=sentinels, clients=clients)

    async def cut_replica(self, address: str) -> None:
        """Reset the connections of the replica with this announced address, and each new one."""
        await self._apply(replace(self.rules, cut_replicas=(*self.rules.cut_replicas, address)))

    async def lead_to(self, server: tuple[str, int]) -> None:
        """Connect whoever comes from now on to this server, as a DNS name that moves; open connections stay."""
        await self._process.tell({"link": self._name, "server": server})

    async def heal(self) -> None:
        """Pass everything at once again; what was held goes on where it stopped."""
        await self._apply(Rules())

    async def _set(self, flow: Flow, *, replicas: bool, sentinels: bool, clients: bool) -> None:
        rules = self.rules
        await self._apply(
            replace(
                rules,
                replica=flow if replicas else rules.replica,
                sentinel=flow if sentinels else rules.sentinel,
                client=flow if clients else rules.client,
            )
        )

    async def _apply(self, rules: Rules) -> None:
        self.rules = rules
        await self._process.tell({"link": self._name, "rules": asdict(rules)})


class LinkProcess:
    """The process of a topology's proxies; it ends with this one, for then its standard input ends."""

    def __init__(self, process: asyncio.subprocess.Process, names: tuple[str, ...]) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self.links = {name: Link(name, self) for name in names}

    @classmethod
    async def start(cls, proxied: dict[str, tuple[tuple[str, int], tuple[str, int]]]) -> "LinkProcess":
        """Start a proxy for each name, which listens on the first address and connects to the second."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sandbox.redis.link_process", stdin=pipe, stdout=pipe, start_new_session=True
        )
        links = cls(process, tuple(proxied))
        await links.tell(proxied)
        return links

    async def tell(self, message: object) -> None:
        """Send one line and wait until it is in force."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The link process was started without pipes.")
        async with self._turn:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()
            if await self._process.stdout.readline() != b"ok\n":
                raise RuntimeError("The link process has ended.")

    async def end(self) -> None:
        """Close its input, which ends it, and wait."""
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()
        await self._process.wait()
