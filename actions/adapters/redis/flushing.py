"""Flushes databases of one node in one script, and only where the node is exactly where it was when it was copied.

FLUSHDB has no condition of its own, and the fence that keeps writes out refuses it like any other write. So the fence
is taken away, and the script that follows it in the same packet looks at history and offset before it flushes: a write
that came in between has moved the offset, and so has an earlier flush.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.adapters.redis.connection import Command, CommandFailed, Node
from actions.adapters.redis.failures import as_error
from actions.adapters.redis.recalling import named
from actions.kit.errors import Garbled
from actions.kit.flushing.keyspace import parse_databases
from actions.kit.ports import Flush, Keyspace

MARK_S = 7 * 24 * 3600
"""How long the mark stays if nobody takes it away: a run may have been cut off."""
PING_BYTES = 14
"""``*1 $4 PING``; no write is as short."""
_NONSENSE = "TANDEM-ONLY-ASKS"
"""No option of any command: where it is run instead of queued, that is a syntax error."""
_ALLOWED = ("OOM ", "MOVED ", "CLUSTERDOWN ")
"""What comes after the question whether we may."""

SCRIPT = f"""
local info = redis.call('INFO', 'replication')
local offset = tonumber(string.match(info, 'master_repl_offset:(%d+)'))
local moved = offset - tonumber(ARGV[2])
local same = string.match(info, 'master_replid:(%w+)') == ARGV[1] and string.find(info, 'role:master', 1, true)
if not same or (moved ~= 0 and moved ~= {PING_BYTES}) then
  return {{'moved'}}
end
local before = redis.call('INFO', 'keyspace')
for i = 3, #ARGV do
  redis.call('SELECT', ARGV[i])
  redis.call('FLUSHDB', 'ASYNC')
end
local after = redis.call('INFO', 'keyspace')
redis.call('SELECT', ARGV[3])
redis.pcall('SET', KEYS[1], '1', 'EX', '{MARK_S}')
return {{before, after}}
"""
"""The mark is set last: by then the script has written, and so it may where there is no memory left."""


async def flush(server: Node, wanted: Flush, open_it: Sequence[Command]) -> tuple[Keyspace, Keyspace] | None:
    """See ``Hands.flush``; ``open_it`` are the commands by which the fence is taken away."""
    ask: Command = ("EVAL", SCRIPT, 1, wanted.mark, wanted.replid, wanted.offset, *wanted.databases)
    replies = await server.ask(*open_it, ("CLIENT", "UNPAUSE"), ask, *await named(server))
    for reply in replies:
        if isinstance(reply, CommandFailed):
            raise as_error(f"{server.name} FLUSHDB ASYNC", reply)
    answer = replies[len(open_it) + 1]
    if not isinstance(answer, list) or len(answer) not in {1, 2}:
        raise Garbled(f"{server.name} answered FLUSHDB ASYNC with something else")
    if len(answer) == 1:
        return None
    before, after = answer
    return Keyspace(parse_databases(before)), Keyspace(parse_databases(after))


async def why_not(server: Node) -> str:
    """See ``Hands.why_not_flush``."""
    first, *replies, _ = await server.ask(
        ("MULTI",),
        ("FLUSHDB", _NONSENSE),
        ("EVAL", _NONSENSE, 0),
        ("SELECT", 0),
        ("SET", "tandem:probe:flush", "", _NONSENSE),
        ("DISCARD",),
    )
    if isinstance(first, CommandFailed):
        return f"MULTI: {first.text}"
    no = (
        f"{word}: {reply.text}"
        for word, reply in zip(("FLUSHDB", "EVAL", "SELECT", "SET"), replies, strict=True)
        if isinstance(reply, CommandFailed) and not reply.text.startswith(_ALLOWED)
    )
    return next(no, "")
