"""Rescue copies of one target: whether there is room, taking one, finding one again. See ``Hands.rescue``."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from actions.adapters.redis.connection import CommandFailed, Node, Reply
from actions.adapters.redis.dump import SILENCE_S, names_in, replica_line
from actions.adapters.redis.failures import ExchangeError, as_error
from actions.adapters.redis.reach import Reach
from actions.adapters.rescue.checker import find_checkers
from actions.adapters.rescue.copying import Line, drafted, write, write_checked
from actions.adapters.rescue.store import Store
from actions.kit.errors import AccessDenied, CommandRefused, Garbled, RescueDamaged, RescueFailed, TandemError
from actions.kit.node_info import parse_keys
from actions.kit.rescue import Diverged, RescueCopy, RescueRoom, manifest_of, parse_manifest, stem_of
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Target

RIGHTS = "+psync +replconf"
_WHOLE = re.compile(r"[0-9]{1,19}")


class Rescuer:
    """Copies of one target in its store.

    Args:
        target: whose data.
        store: where copies go.
        reach: where servers are dialled.
        node: the warm connection to a node.
        silence_s: how long a node may send nothing.
    """

    def __init__(
        self,
        target: Target,
        store: Store,
        reach: Reach,
        node: Callable[[Address], Node],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._target = target
        self._store = store
        self._reach = reach
        self._node = node
        self._silence_s = silence_s

    async def room(self, node: Address) -> RescueRoom:
        """See ``Hands.rescue_room``."""
        needs = free = None
        try:
            info = _fields(await self._info(node))
            needs = _size_of(info)
            await self._try(node, info)
            await find_checkers()
            free = await self._store.free_bytes()
            why_not = ""
        except TandemError as error:
            why_not = str(error)
        if needs is not None and free is not None and free < needs:
            why_not = (
                f"{self._store.where} has {free:,} bytes free, and a copy of {node} may take {needs:,}: free some, "
                "or set another place for rescue copies."
            )
        return RescueRoom(self._store.where, needs, free, why_not)

    async def take(
        self, node: Address, name: str, evidence: Callable[[], Awaitable[bytes]], fork: int | None
    ) -> RescueCopy:
        """See ``Hands.rescue``."""
        stem = stem_of(name)
        if await self._store.read(f"{stem}.json") is not None and await self.find(name) is not None:
            raise RescueFailed(f"{self._store.path(name)} is there already, and no copy is ever written over.")
        room = await self.room(node)
        if room.why_not:
            raise RescueFailed(room.why_not)
        await self._store.put(f"{stem}.evidence.json", await evidence(), over=False)
        with _rights_said(self._target):
            return await self._taken(node, name, fork)

    async def find(self, name: str) -> RescueCopy | None:
        """See ``Hands.rescued``."""
        manifest = await self._store.read(f"{stem_of(name)}.json")
        if manifest is None:
            return None
        copy, proofs = parse_manifest(manifest)
        files = [(name, copy.size_bytes, copy.sha256)]
        if copy.diverged is not None:
            files.append((copy.diverged.name, copy.diverged.size_bytes, copy.diverged.sha256))
        for file, size, sha256 in files:
            intact = await self._store.intact(file, size, sha256, proofs.get(file, {}))
            if intact is None and file == name:
                return None  # What is known of it is written first.
            if not intact:
                raise RescueDamaged(f"{self._store.path(file)} is not what it was when the copy was taken.")
        return copy

    async def commands_since(self, node: Address, replid: str, offset: int) -> frozenset[str]:
        """See ``Hands.commands_since``."""
        info = _fields(await self._info(node))
        last, begins = (_number(info.get(f"{name}_offset", "")) for name in ("master_repl", "repl_backlog_first_byte"))
        gone = last is None or begins is None or not begins - 1 <= offset <= last
        if gone or last is None or info.get("master_replid") != replid:
            raise CommandRefused(f"{node} no longer has the commands since offset {offset:,} in its backlog")
        if last == offset:
            return frozenset()
        async with self._line(node)() as line:
            sent = [chunk async for chunk in await line.commands(replid, offset + 1, last)]
        return names_in(b"".join(sent))

    async def _taken(self, node: Address, name: str, fork: int | None) -> RescueCopy:
        line = self._line(node)
        taken_at, before = datetime.now(UTC), parse_keys(await self._info(node))
        async with drafted(self._store, name) as draft:
            async with line() as opened:
                replid, offset, data = await opened.full_copy()
                taken, checked = await write_checked(draft, data)
            after = parse_keys(await self._info(node))
            copy = RescueCopy(
                node=node,
                name=name,
                where=self._store.path(name),
                size_bytes=taken.size_bytes,
                sha256=taken.sha256,
                checked=checked.words,
                keys=checked.keys,
                replid=replid,
                offset=offset,
                taken_at=taken_at,
                dbsize=(before, after),
            )
            proofs = {name: dict(taken.proof)}
            if fork is not None:
                copy, proof = await self._with_commands(copy, fork, line)
                proofs |= proof
            await self._store.put(f"{stem_of(name)}.json", manifest_of(copy, proofs), over=True)
            await draft.publish()
        return copy

    async def _with_commands(
        self, copy: RescueCopy, fork: int, line: Line
    ) -> tuple[RescueCopy, dict[str, dict[str, object]]]:
        """The copy with the commands from ``fork`` to its own offset, or with why there are none."""
        file = f"{stem_of(copy.name)}.diverged.resp"
        if fork > copy.offset:
            return replace(copy, not_diverged="It has written nothing since the histories parted."), {}
        why_not = _not_in_backlog(_fields(await self._info(copy.node)), copy, fork)
        if why_not:
            return replace(copy, not_diverged=why_not), {}
        try:
            async with drafted(self._store, file) as draft, line() as opened:
                taken = await write(draft, await opened.commands(copy.replid, fork, copy.offset))
                await draft.publish()
        except CommandRefused as error:
            return replace(copy, not_diverged=f"The node did not give them: {error}."), {}
        diverged = Diverged(file, taken.size_bytes, taken.sha256, fork, copy.offset)
        return replace(copy, diverged=diverged), {file: dict(taken.proof)}

    async def _try(self, node: Address, info: Mapping[str, str]) -> None:
        """Ask for what it will write next, which is nothing yet: whether it takes us for a replica, without a fork.

        Where it has no backlog it would fork for that too; then only our login and REPLCONF are tried.
        """
        with _rights_said(self._target):
            async with self._line(node)() as line:
                offset = _number(info.get("master_repl_offset", ""))
                if info.get("repl_backlog_active") == "1" and offset is not None:
                    await line.commands(info.get("master_replid", ""), offset + 1, offset)

    def _line(self, node: Address) -> Line:
        return functools.partial(replica_line, self._target, node, self._reach, self._silence_s)

    async def _info(self, node: Address) -> Reply:
        (answer,) = await self._node(node).ask(("INFO",), repeatable=True)
        if isinstance(answer, CommandFailed):
            raise as_error(f"node {node} INFO", answer)
        return answer


def _fields(info: Reply) -> Mapping[str, str]:
    """All lines of INFO."""
    if not isinstance(info, bytes):
        raise Garbled("INFO answered with something else")
    lines = info.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _size_of(info: Mapping[str, str]) -> int | None:
    """Bytes that a copy takes at most: a file holds the data more tightly than memory does."""
    return _number(info.get("used_memory_dataset") or info.get("used_memory") or "")


def _not_in_backlog(info: Mapping[str, str], copy: RescueCopy, fork: int) -> str:
    """Why the node cannot send the commands any more. To ask for what it does not have would make it fork again."""
    first = _number(info.get("repl_backlog_first_byte_offset", ""))
    if info.get("repl_backlog_active") != "1" or first is None:
        return (
            "The node keeps no backlog, so the commands that only it has are not to be had; the copy has their effect."
        )
    if info.get("master_replid") != copy.replid:
        return "The node began another history meanwhile, so its backlog does not reach back to where they parted."
    if first > fork:
        return (
            f"The node's backlog begins at offset {first:,}, and the histories parted at {fork:,}: not all of the "
            "commands that only it has are to be had; the copy has their effect."
        )
    return ""


def _number(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


@contextlib.contextmanager
def _rights_said(target: Target) -> Iterator[None]:
    """Where a right is missing, say which, and how it is given."""
    try:
        yield
    except ExchangeError as error:
        if error.reason is not Reason.NOPERM:
            raise
        user = target.auth.username or "default"
        raise AccessDenied(
            f"{error}. A copy is taken as a replica takes it, which {user} may not: ACL SETUSER {user} {RIGHTS} on "
            "that node allows it."
        ) from error
