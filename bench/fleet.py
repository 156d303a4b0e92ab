"""Many targets in one process: three Sentinels and three nodes each, which speak Redis' protocol and do nothing else.

``python -m bench.fleet COUNT PORT`` listens on addresses of its own in 127.0.0.0/8 and says ``ready``. A line
``odown FIRST LAST SECONDS`` has the Sentinels of these targets publish that their masters are down, spread over so many
seconds; for each target it prints the time at which its Sentinels did. ``connections`` prints how many there are, and
how many of them have subscribed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping

import hiredis

NAME = "mymaster"
_REPLICAS, _SENTINELS = 2, 3
_REPLID = "8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb"
_NONE = "0" * 40
_NODE = (
    "# Server\r\nredis_version:7.0.15\r\nrun_id:{run_id}\r\nuptime_in_seconds:90000\r\nconfig_file:/etc/redis.conf\r\n"
    "# Clients\r\nconnected_clients:10\r\nmaxclients:10000\r\nblocked_clients:0\r\n"
    "# Memory\r\nused_memory:1000000\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"
    "# Persistence\r\nloading:0\r\nrdb_changes_since_last_save:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:0\r\n"
    "aof_last_write_status:ok\r\n# Stats\r\nrejected_connections:0\r\nevicted_keys:0\r\n"
    "instantaneous_ops_per_sec:10\r\n"
)
_HISTORY = "master_replid:{replid}\r\nmaster_replid2:{none}\r\nmaster_repl_offset:5000\r\nsecond_repl_offset:-1\r\n"


def host(target: int, server: int) -> str:
    """The address of one of a target's servers, from 1; the Sentinel beside a node has it too."""
    return f"127.{60 + target // 200}.{1 + target % 200}.{server}"


class Fleet:
    """All of them.

    Args:
        count: how many targets.
        port: of the nodes; that of the Sentinels is the next one.
    """

    def __init__(self, count: int, port: int) -> None:
        self._count, self._port = count, port
        self.subscribers: dict[int, list[asyncio.Transport]] = {number: [] for number in range(count)}
        self.down: set[int] = set()
        self.connections = 0

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        for target in range(self._count):
            for server in range(1, 1 + _SENTINELS):
                at = host(target, server)
                await loop.create_server(self._peer(target, server, _node_answer), at, self._port)
                await loop.create_server(self._peer(target, server, _sentinel_answer), at, self._port + 1)

    async def odown(self, first: int, last: int, seconds: float) -> None:
        """Have the Sentinels of these targets say so."""
        began, many = time.monotonic(), last - first
        for number, target in enumerate(range(first, last)):
            await asyncio.sleep(max(0.0, began + seconds * number / many - time.monotonic()))
            self.down.add(target)
            said = f"master {NAME} {host(target, 1)} {self._port} #quorum 2/2"
            payload = _array([b"pmessage", b"*", b"+odown", said.encode()])
            for subscriber in self.subscribers[target]:
                subscriber.write(payload)
            print(f"said {target} {time.time():.6f} {len(self.subscribers[target])}", flush=True)

    def _peer(self, target: int, server: int, answer: _Answer) -> Callable[[], asyncio.Protocol]:
        return lambda: _Peer(self, target, server, self._port, answer)


class _Peer(asyncio.Protocol):
    """One connection of somebody's."""

    def __init__(self, fleet: Fleet, target: int, server: int, port: int, answer: _Answer) -> None:
        self.fleet, self.target, self.server, self.port = fleet, target, server, port
        self._answer = answer
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self.subscribed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.fleet.connections += 1

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        answers = []
        while (command := self._reader.gets()) is not False:
            words = [word.decode() for word in command]
            if words[0].upper() == "PSUBSCRIBE" and self._transport is not None:
                self.fleet.subscribers[self.target].append(self._transport)
                self.subscribed = True
            answers.append(self._answer(self, [words[0].upper(), *words[1:]]))
        if self._transport is not None:
            self._transport.write(b"".join(answers))

    def connection_lost(self, _error: Exception | None) -> None:
        self.fleet.connections -= 1
        if self._transport in self.fleet.subscribers[self.target]:
            self.fleet.subscribers[self.target].remove(self._transport)


_Answer = Callable[[_Peer, list[str]], bytes]


def _node_answer(peer: _Peer, words: list[str]) -> bytes:
    match words:
        case ["INFO", "replication"]:
            return _bulk(_replication(peer).encode())
        case ["INFO", *_]:
            run_id = f"{peer.target:036x}{peer.server:04x}"
            return _bulk(
                (_NODE.format(run_id=run_id) + _replication(peer) + "# Cluster\r\ncluster_enabled:0\r\n").encode()
            )
        case ["ROLE"]:
            master = host(peer.target, 1).encode()
            role = [b"master", 5000, []] if peer.server == 1 else [b"slave", master, peer.port, b"connected", 5000]
            return _array(role)
        case ["CONFIG", _, *names]:
            known = {"min-replicas-to-write": "0", "min-replicas-max-lag": "10", "replica-priority": "100"}
            return _array([word.encode() for name in names for word in (name, known.get(name, "no"))])
        case ["PUBSUB", *_]:
            return _array([b"__sentinel__:hello", _SENTINELS])
    return b"+PONG\r\n" if words[0] == "PING" else b"-ERR unknown command\r\n"


def _replication(peer: _Peer) -> str:
    history = _HISTORY.format(replid=_REPLID, none=_NONE)
    if peer.server == 1:
        lines = [
            f"slave{number}:ip={host(peer.target, number + 2)},port={peer.port},state=online,offset=5000,lag=0\r\n"
            for number in range(_REPLICAS)
        ]
        return f"# Replication\r\nrole:master\r\nconnected_slaves:{_REPLICAS}\r\n{''.join(lines)}{history}"
    return (
        f"# Replication\r\nrole:slave\r\nmaster_host:{host(peer.target, 1)}\r\nmaster_port:{peer.port}\r\n"
        "master_link_status:up\r\nmaster_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\nslave_read_only:1\r\n"
        f"slave_repl_offset:5000\r\nslave_priority:100\r\nconnected_slaves:0\r\n{history}"
    )


def _sentinel_answer(peer: _Peer, words: list[str]) -> bytes:  # noqa: PLR0911 -- One for each question.
    match [words[0], *(word.upper() for word in words[1:2])]:
        case ["INFO", *_]:
            return _bulk(b"# Server\r\nredis_version:7.0.15\r\n# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:0\r\n")
        case ["SENTINEL", "MYID"]:
            return _bulk(f"{peer.target:036x}{peer.server:04x}".encode())
        case ["SENTINEL", "GET-MASTER-ADDR-BY-NAME"]:
            return _array([host(peer.target, 1).encode(), str(peer.port).encode()])
        case ["SENTINEL", "MASTER"]:
            return _flat(_master(peer))
        case ["SENTINEL", "REPLICAS"]:
            return _many([_replica(peer, number) for number in range(2, 2 + _REPLICAS)])
        case ["SENTINEL", "SENTINELS"]:
            return _many([_other(peer, number) for number in range(1, 1 + _SENTINELS) if number != peer.server])
        case ["SENTINEL", "CKQUORUM"]:
            return b"+OK 3 usable Sentinels. Quorum and failover authorization can be reached\r\n"
        case ["PSUBSCRIBE", *_]:
            return _array([b"psubscribe", b"*", 1])
        case ["PING"]:
            return _array([b"pong", b""]) if peer.subscribed else b"+PONG\r\n"
    return b"-ERR unknown command\r\n"


def _master(peer: _Peer) -> Mapping[str, object]:
    down = ",s_down,o_down" if peer.target in peer.fleet.down else ""
    times = {"down-after-milliseconds": 1000, "failover-timeout": 180000, "num-other-sentinels": _SENTINELS - 1}
    return {"name": NAME, "flags": f"master{down}", "config-epoch": 0, "quorum": 2, **times}


def _replica(peer: _Peer, number: int) -> Mapping[str, object]:
    where = {"ip": host(peer.target, number), "port": peer.port, "master-host": host(peer.target, 1)}
    state = {"flags": "slave", "info-refresh": 900, "master-link-status": "ok", "role-reported": "slave"}
    return {**where, "master-port": peer.port, **state, "slave-priority": 100, "slave-repl-offset": 5000}


def _other(peer: _Peer, number: int) -> Mapping[str, object]:
    return {"ip": host(peer.target, number), "port": peer.port + 1, "flags": "sentinel"}


def _flat(fields: Mapping[str, object]) -> bytes:
    return _array([str(word).encode() for pair in fields.items() for word in pair])


def _many(fields: list[Mapping[str, object]]) -> bytes:
    return b"*%d\r\n" % len(fields) + b"".join(map(_flat, fields))


def _array(items: list[object] | list[bytes]) -> bytes:
    return b"*%d\r\n" % len(items) + b"".join(map(_item, items))


def _item(item: object) -> bytes:
    if isinstance(item, list):
        return _array(item)
    return b":%d\r\n" % item if isinstance(item, int) else _bulk(item if isinstance(item, bytes) else b"")


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


async def _main(count: int, port: int) -> None:
    fleet = Fleet(count, port)
    await fleet.start()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["odown", first, last, seconds]:
                await fleet.odown(int(first), int(last), float(seconds))
            case _:
                listening = sum(map(len, fleet.subscribers.values()))
                print(f"connections {fleet.connections} {listening}", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
