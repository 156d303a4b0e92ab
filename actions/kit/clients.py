"""Who uses a server, as CLIENT LIST shows it: applications beside Sentinels, monitors and ourselves. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.kit.errors import Garbled

LATELY_S = 2
"""A client that was idle for longer says nothing of now. The server counts whole seconds."""

_NOT_OF_APPLICATIONS = (
    "null acl auth bgrewriteaof bgsave client cluster command config dbsize debug echo failover hello info lastsave "
    "latency memory module monitor ping psubscribe psync publish pubsub punsubscribe quit readonly readwrite replconf "
    "replicaof reset role select sentinel shutdown slaveof slowlog ssubscribe subscribe sync time unsubscribe"
)
"""What monitors, Sentinels and Tandem ask. An application sends some of it too, but not alone."""
_WRITING = (
    "append bitfield bitop blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin copy decr decrby del expire "
    "expireat flushall flushdb function geoadd georadius geosearchstore getdel getex getset hdel hexpire hexpireat "
    "hgetdel hgetex hincrby hincrbyfloat hmset hpersist hpexpire hpexpireat hset hsetex hsetnx incr incrby "
    "incrbyfloat linsert lmove lmpop lpop lpush lpushx lrem lset ltrim mset msetnx move persist pexpire pexpireat "
    "pfadd pfmerge psetex rename renamenx restore rpop rpoplpush rpush rpushx sadd sdiffstore set setbit setex setnx "
    "setrange sinterstore smove spop srem sunionstore swapdb unlink xack xadd xautoclaim xclaim xdel xgroup "
    "xreadgroup xsetid xtrim zadd zdiffstore zincrby zinterstore zmpop zpopmax zpopmin zrangestore zrem "
    "zremrangebylex zremrangebyrank zremrangebyscore zunionstore"
)
"""Commands that write. Transactions, scripts and functions may, and do not say so."""

_BLOCKING = "blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin xreadgroup"
"""Those of them that wait for data to come; all others wait for nothing but the end of a pause."""

_others, _writes = frozenset(_NOT_OF_APPLICATIONS.split()), frozenset(_WRITING.split())
_at_once = _writes - frozenset(_BLOCKING.split())
_fields = re.compile(r"(?:^| )(name|idle|flags|cmd)=(\S*)").findall


@dataclass(frozen=True, slots=True)
class Clients:
    """How many clients of an application a server has, by the last command of each."""

    application: int = 0
    """It was one that neither a monitor nor a Sentinel nor Tandem sends."""
    writing: int = 0
    """Of these: it was one that writes, a moment ago. Whether the server took it is not told."""
    waiting: int = 0
    """Of all: it waits with a write that never waits by itself: somebody has paused writes."""


def parse_clients(reply: object) -> Clients:
    """Read CLIENT LIST TYPE normal.

    Raises:
        Garbled: it is no text.
    """
    if not isinstance(reply, bytes):
        raise Garbled("CLIENT LIST answered with something else")
    application = writing = waiting = 0
    for line in reply.decode(errors="replace").splitlines():
        fields = dict(_fields(line))
        command = fields.get("cmd", "null").partition("|")[0].lower()
        if command in _others or fields.get("name", "").startswith("sentinel-"):
            continue
        application += 1
        waiting += command in _at_once and "b" in fields.get("flags", "")
        idle = fields.get("idle", "")
        writing += command in _writes and idle.isdigit() and len(idle) < 10 and int(idle) <= LATELY_S
    return Clients(application, writing, waiting)
