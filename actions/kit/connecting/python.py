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
    from actions.kit.topology import Target

_NO_REPEAT = """\
ONCE = Retry(NoBackoff(), 0)  # By itself redis-py sends again what broke, up to 10 times: INCR would count twice.
PATIENCE_S = {patience_s}  # {because}.
"""

_SENTINEL = """\
sentinel = Sentinel(
    [
{sentinels}    ],
    min_other_sentinels={believed_from},  # One that knows of fewer others is not believed.
    sentinel_kwargs={{
        "socket_timeout": 0.5,
        "socket_connect_timeout": 0.5,
        "retry": ONCE,  # The next one is asked at once.{sentinel_access}
    }},
    socket_timeout=2,  # More than any command takes; one that blocks needs its own time on top.
    socket_connect_timeout=1,{access}
)
master = sentinel.master_for({master_name}, retry=ONCE)
replica = sentinel.slave_for({master_name}, retry=Retry(ExponentialBackoff(), 3))  # To read what may be a little old.
"""

_RUN = '''

{a}def run(operation, *, repeatable=False):
    """Do operation(redis), one command or one transaction, as soon as there is a master.

    What may have been done, as after a time-out, is done again only where that is the same as once (SET, DEL). INCR,
    LPUSH and their like raise the error instead: look first whether it was done.
    """
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

_MAY_REPEAT = '''

def may_repeat(error, in_doubt):
    """Whether the error passes, and proves that nothing was done, where that is in doubt."""
    if isinstance(error, AuthenticationError):
        return False
    if isinstance(error, (BusyLoadingError, ClusterDownError, ReadOnlyError, TryAgainError)):
        return True
    if str(error).startswith(("The previous master is now a slave", "NOREPLICAS", "UNBLOCKED")):
        return True
    return isinstance(error, (ConnectionError, TimeoutError)) and not in_doubt
'''


def text(ways: Doors, target: Target, *, asyncio: bool = False) -> str:
    """A module with ``run``, for the one kind of client."""
    words = {
        "a": "async " if asyncio else "",
        "w": "await " if asyncio else "",
        "sleep": "await asyncio.sleep(0.1)" if asyncio else "time.sleep(0.1)",
        "anew": "",
    }
    parts = (
        f"# {ascii(target.name)[1:-1]}, with redis-py 6 or later. What is secret comes from the environment.\n",
        _imports(ways, target, asyncio=asyncio),
        _NO_REPEAT.format(patience_s=ways.patience_s, because=ways.because),
        _client(ways, target),
        _RUN.format(**words),
        _MAY_REPEAT,
    )
    return "".join(parts)


def _imports(ways: Doors, target: Target, *, asyncio: bool) -> str:
    package = "redis.asyncio" if asyncio else "redis"
    secrets = access.of_nodes(target) + (access.of_sentinels(target) if ways.entry is Entry.SENTINEL else ())
    standard = ("asyncio" if asyncio else "", "os" if any(one.variable for one in secrets) else "", "time")
    lines = [
        *(f"import {name}" for name in standard if name),
        "",
        "from redis.backoff import ExponentialBackoff, NoBackoff",
        "from redis.exceptions import AuthenticationError, BusyLoadingError, ClusterDownError, ConnectionError",
        "from redis.exceptions import ReadOnlyError, RedisError, TimeoutError, TryAgainError",
        f"from {package}.retry import Retry",
        f"from {package}.sentinel import Sentinel",
        "",
    ]
    return "\n".join([*lines, ""])


def _client(ways: Doors, target: Target) -> str:
    return _SENTINEL.format(
        sentinels="".join(f"        {tuple(one)!a},\n" for one in ways.addresses),
        believed_from=ways.believed_from,
        master_name=ascii(target.master_name),
        access="".join(f"\n    {one.keyword}={one.python}," for one in access.of_nodes(target)),
        sentinel_access="".join(f'\n        "{one.keyword}": {one.python},' for one in access.of_sentinels(target)),
    )
