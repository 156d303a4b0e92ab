"""Python for redis-py that finds the master, and repeats only what cannot have been done already. No I/O here.

By default redis-py sends a command again whose connection broke, up to 10 times (3 in 6.0): INCR then counts twice.
So its own repeating is switched off, and ``run`` in the snippet decides. Whatever comes from outside goes in by
``ascii``, as a literal that it cannot break out of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.kit.connecting import access
from actions.kit.connecting.doors import Doors, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actions.kit.connecting.access import Argument
    from actions.kit.topology import Address, Target

_NO_REPEAT = """\
ONCE = Retry(NoBackoff(), 0)  # By itself redis-py sends again what broke, up to 10 times: INCR would count twice.
PATIENCE_S = {patience_s}  # {because}.
"""

_TIMES = """\
    socket_timeout=5,  # More than any command takes; one that blocks needs its own time on top.
    socket_connect_timeout=1,{access}
"""

_SENTINEL = """\
sentinel = Sentinel(
    [
{addresses}    ],
    min_other_sentinels={believed_from},  # One that knows of fewer others is not believed.
    sentinel_kwargs={{
        "socket_timeout": 0.5,
        "socket_connect_timeout": 0.5,
        "retry": ONCE,  # The next one is asked at once.{sentinel_access}
    }},
{times})
master = sentinel.master_for({master_name}, retry=ONCE)
replica = sentinel.slave_for({master_name}, retry=Retry(ExponentialBackoff(), 3))  # To read what may be a little old.
"""

_DIRECT = """\
master = Redis(
    host={host},
    port=int({port}),
    retry=ONCE,{protocol}
{times})
"""
_PROTOCOL = "\n    protocol=2,  # With 3, asyncio does not notice that an idle connection was closed."
_ANEW = """
            {w}master.connection_pool.disconnect(inuse_connections=False)  # The name may lead elsewhere by now."""

_CLUSTER = """\
cluster = RedisCluster(
    startup_nodes=[
{addresses}    ],
    retry=ONCE,
{times})
"""

_RUN = '''

{a}def run(operation, *, repeatable=False):
    """Do operation(redis), one command or one transaction, as soon as there is a master.

{contract}    """
    until = time.monotonic() + PATIENCE_S
    while True:
        sent = False
        try:
            {a}with master.client() as redis:  # It finds the master and connects before anything is sent.
                sent = True
                return {w}operation(redis)
        except RedisError as error:
            if not may_repeat(error, sent and not repeatable) or time.monotonic() > until:
                raise{anew}
        {sleep}
'''

_RUN_IN_CLUSTER = '''

{a}def run(operation, key, *, repeatable=False):
    """Do operation(redis), one command or one transaction on this key, as soon as there is a master for it.

{contract}    """
    until = time.monotonic() + PATIENCE_S
    while True:
        sent = False
        try:{initialize}
            if not repeatable:  # Whoever has the key has to answer, before anything is sent.
                {w}cluster.ping(target_nodes=cluster.get_node_from_key(key))
            sent = True
            return {w}operation(cluster)
        except (RedisError, RedisClusterException) as error:
            if not may_repeat(error, sent and not repeatable) or time.monotonic() > until:
                raise
        {sleep}
'''

_CONTRACT = """\
    What may have been done, as after a time-out, is done again only where that is the same as once (SET, DEL). INCR,
    LPUSH and their like raise the error instead: look first whether it was done.
"""

_MAY_REPEAT = '''

def may_repeat(error, in_doubt):
    """Whether the error passes, and proves that nothing was done, where that is in doubt."""
    if isinstance(error, AuthenticationError):
        return False
    if isinstance(error, (BusyLoadingError, ClusterDownError, ReadOnlyError, TryAgainError)):
        return True
    if str(error).startswith(("The previous master is now a slave", "NOREPLICAS", "UNBLOCKED")):
        return True
    return isinstance(error, {passing}) and not in_doubt
'''

_COMMAND = ("ConnectionError", "TimeoutError")


def text(ways: Doors, target: Target, *, asyncio: bool = False) -> str:
    """A module with ``run``, for the one kind of client."""
    in_cluster = ways.entry is Entry.CLUSTER
    words = {
        "a": "async " if asyncio else "",
        "w": "await " if asyncio else "",
        "sleep": "await asyncio.sleep(0.1)" if asyncio else "time.sleep(0.1)",
        "initialize": "\n            await cluster.initialize()" if asyncio else "",
        "contract": _CONTRACT,
    }
    words["anew"] = _ANEW.format(**words) if ways.entry is Entry.DIRECT else ""
    passing = (*_COMMAND, "RedisClusterException") if in_cluster else _COMMAND
    parts = (
        f"# {ascii(target.name)[1:-1]}, with redis-py 6 or later. What is secret comes from the environment.\n",
        _imports(ways, target, asyncio=asyncio),
        _NO_REPEAT.format(patience_s=ways.patience_s, because=ways.because[0].upper() + ways.because[1:]),
        _client(ways, target, asyncio=asyncio),
        (_RUN_IN_CLUSTER if in_cluster else _RUN).format(**words),
        _MAY_REPEAT.format(passing=f"({', '.join(passing)})"),
    )
    return "".join(parts)


def _imports(ways: Doors, target: Target, *, asyncio: bool) -> str:
    package = "redis.asyncio" if asyncio else "redis"
    secrets = access.of_nodes(target) + (access.of_sentinels(target) if ways.entry is Entry.SENTINEL else ())
    reads = ways.entry is Entry.DIRECT or any(one.variable for one in secrets)
    standard = ("asyncio" if asyncio else "", "os" if reads else "", "time")
    client = {
        Entry.SENTINEL: f"from {package}.sentinel import Sentinel",
        Entry.DIRECT: f"from {package} import Redis",
        Entry.CLUSTER: f"from {package}.cluster import ClusterNode, RedisCluster",
    }
    further = {Entry.SENTINEL: "ExponentialBackoff, "}.get(ways.entry, "")
    wrong = {Entry.CLUSTER: "RedisClusterException, "}.get(ways.entry, "")
    imported = (
        f"from redis.backoff import {further}NoBackoff",
        "from redis.exceptions import AuthenticationError, BusyLoadingError, ClusterDownError, ConnectionError",
        f"from redis.exceptions import ReadOnlyError, {wrong}RedisError, TimeoutError, TryAgainError",
        f"from {package}.retry import Retry",
        client[ways.entry],
    )
    return "\n".join((*(f"import {name}" for name in standard if name), "", *sorted(imported), "\n"))


def _client(ways: Doors, target: Target, *, asyncio: bool) -> str:
    times = _TIMES.format(access=_arguments("\n    {}={},", access.of_nodes(target)))
    if ways.entry is Entry.SENTINEL:
        return _SENTINEL.format(
            addresses="".join(f"        {tuple(one)!a},\n" for one in ways.addresses),
            believed_from=ways.believed_from,
            master_name=ascii(target.master_name),
            times=times,
            sentinel_access=_arguments('\n        "{}": {},', access.of_sentinels(target)),
        )
    if ways.entry is Entry.CLUSTER:
        nodes = "".join(f"        ClusterNode({one.host!a}, {one.port}),\n" for one in ways.addresses)
        return _CLUSTER.format(addresses=nodes, times=times)
    host, port = _place(ways.variable, ways.addresses)
    return _DIRECT.format(host=host, port=port, protocol=_PROTOCOL if asyncio else "", times=times)


def _place(variable: str, addresses: Iterable[Address]) -> tuple[str, str]:
    """Host and port from the environment; where one is known it is what goes for granted."""
    for host, port in addresses:
        return f'os.environ.get("{variable}", {host!a})', f'os.environ.get("REDIS_PORT", {port})'
    return f'os.environ["{variable}"]', 'os.environ.get("REDIS_PORT", 6379)'


def _arguments(line: str, arguments: Iterable[Argument]) -> str:
    return "".join(line.format(one.keyword, one.python) for one in arguments)
