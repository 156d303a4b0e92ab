"""A rescue copy: all data of one node, taken and verified before something is done that cannot be taken back.

A copy is a set of files with one stem: ``.rdb`` is the data, ``.json`` what is known of it, ``.evidence.json`` what was
seen before anything was done, ``.diverged.resp`` the commands that only this node has. No I/O here.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from actions.kit.errors import RescueDamaged, RescueFailed
from actions.kit.topology import Address

DATA = ".rdb"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.rdb")
_MOST = 60
"""Characters of a word of a name: file systems take 255 in all, and our own files beside it add to them."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Diverged:
    """The commands of offsets ``first`` to ``last``, as a replica would have got them: RESP, as many bytes.

    They begin with SELECT only where the node had a reason to send it: else their database is that of the command
    before, which is shared history.
    """

    name: str
    size_bytes: int
    sha256: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class RescueCopy:
    """A verified copy of all data of ``node``. It was read to its end, checked, and found again where it is stored.

    Args:
        node: whose data it is.
        name: its file name; ends in ``.rdb``.
        where: where it lies, for a person.
        size_bytes: its size.
        sha256: of the whole file, in hex.
        checked: what the checker of RDB files said, and which one it was.
        keys: how many it holds; those whose time had come and that were not deleted yet are among them.
        replid: the history that it is a point of, as the node named it when it began to send.
        offset: that point.
        taken_at: when it was begun.
        dbsize: what the node counted just before and just after, ``None`` where it did not say.
        diverged: the commands that only this node has.
        not_diverged: why those are not to be had; empty where nobody asked for them.
    """

    node: Address
    name: str
    where: str
    size_bytes: int
    sha256: str
    checked: str
    keys: int | None
    replid: str
    offset: int
    taken_at: datetime
    dbsize: tuple[int, int] | None = None
    diverged: Diverged | None = None
    not_diverged: str = ""

    @property
    def count_note(self) -> str:
        """Why it does not hold as many keys as the node counts; empty where it does.

        Keys that expire, and whatever is written to a node that is not fenced, go on while it is copied.
        """
        if self.keys is None or self.dbsize is None:
            return "" if self.keys is not None else "How many keys it holds is not known."
        low, high = sorted(self.dbsize)
        if low == high == self.keys:
            return ""
        counted = f"{low:,}" if low == high else f"{self.dbsize[0]:,} before and {self.dbsize[1]:,} after"
        within = "keys expired or were written meanwhile" if low != high else "keys expire while a node is copied"
        return f"It holds {self.keys:,} keys; the node counted {counted}: {within}."


@dataclass(frozen=True, slots=True)
class RescueRoom:
    """Whether a copy of a node would have its place now.

    Args:
        where: where copies of this target go, for a person.
        needs_bytes: how large a copy is expected to be at most, ``None`` where the node does not say.
        free_bytes: what is free there, ``None`` where the store does not say, as S3 does not.
        why_not: a sentence with what to do; empty where there is nothing against it.
    """

    where: str
    needs_bytes: int | None = None
    free_bytes: int | None = None
    why_not: str = ""


def copy_name(target: str, run: str, node: Address, at: datetime) -> str:
    """``<target>-<run>-<node>-<UTC time>.rdb``, fit to be a file name everywhere; the time in milliseconds."""
    utc = at.astimezone(UTC)
    words = (target, run, str(node), f"{utc:%Y%m%dT%H%M%S}{utc.microsecond // 1000:03}Z")
    return "-".join(_UNSAFE.sub("-", word).strip("-")[:_MOST] for word in words) + DATA


def stem_of(name: str) -> str:
    """What the files of this copy have in common.

    Raises:
        RescueFailed: this cannot be the name of a copy.
    """
    if not _NAME.fullmatch(name):
        raise RescueFailed(f"{name[:80]!r} is no name for a rescue copy; it is made of letters, digits, ., _ and -.")
    return name.removesuffix(DATA)


def manifest_of(copy: RescueCopy, extra: dict[str, Any] | None = None) -> bytes:
    """What is known of a copy, as the JSON file beside it; ``extra`` is what only its store understands."""
    return json.dumps({**values_of(copy), "store": extra or {}}, indent=2).encode() + b"\n"


def values_of(copy: RescueCopy) -> dict[str, Any]:
    """What is known of a copy, as JSON takes it."""
    return {**asdict(copy), "node": str(copy.node), "taken_at": copy.taken_at.isoformat()}


def where_it_is(copy: RescueCopy) -> str:
    """Where a copy lies, that it is whole, how to look into it; no full stop at the end."""
    keys = f"all {copy.keys:,} keys" if copy.keys is not None else "all data"
    more = f" The commands that only it took are in {copy.diverged.name} beside it." if copy.diverged else ""
    return (
        f"{keys} of {copy.node} are in {copy.where}, sha256 {copy.sha256}.{more} To look into it where nobody else "
        f"writes: redis-server --port 7777 --save '' --appendonly no --dir FOLDER --dbfilename {copy.name}"
    )


def parse_manifest(text: bytes) -> tuple[RescueCopy, dict[str, Any]]:
    """The copy, and what only its store understands.

    Raises:
        RescueDamaged: this is not what ``manifest_of`` wrote.
    """
    try:
        fields = json.loads(text)
        extra = dict(fields.pop("store"))
        fields["node"] = Address.parse(fields["node"])
        fields["taken_at"] = datetime.fromisoformat(fields["taken_at"])
        fields["dbsize"] = tuple(fields["dbsize"]) if fields["dbsize"] else None
        fields["diverged"] = Diverged(**fields["diverged"]) if fields["diverged"] else None
        return RescueCopy(**fields), extra
    except Exception as error:
        raise RescueDamaged("What is written beside the copy about it is not what was written there.") from error
