"""What two servers hold, compared key by key: the counts, what bounds the cost, when a difference is one. No I/O here.

One look proves little while clients write and keys expire: a key counts as different only after a second look.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from actions.kit.canonical import NEVER, same_expiry
from actions.kit.topology import Address


class Found(StrEnum):
    """What one key was found to be, at both looks where the first did not find it the same."""

    ONLY_FIRST = "only on the first"
    """It was there on the first at both looks, and on the second at none."""
    ONLY_SECOND = "only on the second"
    """The other way round."""
    DIFFERENT = "different"
    """It is of another type, has another value, or expires at another time; one side did not change meanwhile."""
    SAME = "same"
    """Type, value and expiry are the same: at the first look, or at the second."""
    UNDECIDED = "undecided"
    """It changed on both sides between the looks, or its value cannot be compared: a module's, whose dumps differ."""
    GONE = "gone"
    """It was on neither side any more; it is not counted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a comparison may cost; it ends incomplete where it would cost more.

    ``rate`` is in names a second that are looked at, on either side. ``memory_bytes`` bounds the values and names that
    are held at a time; a single element of a collection is always read whole. ``names`` is how many names may be
    given out: none unless somebody who may has asked for them.
    """

    keys: int = 10_000_000
    seconds: float = 600.0
    rate: int = 20_000
    memory_bytes: int = 32 * 1024 * 1024
    names: int = 0


@dataclass(frozen=True, slots=True, order=True)
class KeyName:
    """One key that is not the same on both sides. For the eyes of somebody who asked and may; never kept."""

    database: int
    name: bytes
    found: Found


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many keys of two servers, in all their databases, are where and how; never which, unless asked for.

    Where it is not ``complete``, ``why_incomplete`` is a sentence and each number is of what was looked at before.
    SCAN may give a name twice while a server resizes its table: the numbers may then be a little too high.
    """

    first: Address
    second: Address
    only_first: int = 0
    only_second: int = 0
    different: int = 0
    same: int = 0
    undecided: int = 0
    complete: bool = True
    why_incomplete: str = ""
    seconds: float = 0.0
    names: tuple[KeyName, ...] = ()

    @property
    def examined(self) -> int:
        """How many keys were looked at and are counted."""
        return self.only_first + self.only_second + self.different + self.same + self.undecided

    @property
    def values(self) -> dict[str, object]:
        """The counts and how far they go, as JSON takes them; no names."""
        return {
            "first": str(self.first),
            "second": str(self.second),
            "only_first": self.only_first,
            "only_second": self.only_second,
            "different": self.different,
            "same": self.same,
            "undecided": self.undecided,
            "examined": self.examined,
            "complete": self.complete,
            "why_incomplete": self.why_incomplete,
            "seconds": round(self.seconds, 3),
        }

    @property
    def alike(self) -> bool:
        """Every key of both was looked at, and each is the same: only then nothing is lost with one of them."""
        return self.complete and self.examined == self.same


@dataclass(frozen=True, slots=True)
class Side:
    """One key on one side at one look; ``kind`` is TYPE's word, empty where there is no such key.

    ``digest`` stands for as much of its value as was read.
    """

    kind: bytes = b""
    expires_at_ms: int = NEVER
    digest: bytes = b""

    def stayed(self, later: Side) -> bool:
        """Nothing is known to have changed between two looks."""
        same = self.kind == later.kind and self.digest == later.digest
        return same and same_expiry(self.expires_at_ms, later.expires_at_ms)


@dataclass(frozen=True, slots=True)
class KeyLook:
    """One key at one look, on both sides."""

    found: Found
    first: Side
    second: Side


def judged(earlier: KeyLook, later: KeyLook) -> Found:
    """What two looks at a key prove together.

    The later one counts where one side stood still: then both were as they were seen at one moment. Of a key that is
    on one side only, it is enough that it was there, or not there, both times. That it is the same needs no second
    look, that it is gone neither.
    """
    sides = ((earlier.first, later.first), (earlier.second, later.second))
    match later.found:
        case Found.ONLY_FIRST | Found.ONLY_SECOND:
            stood = any(bool(then.kind) == bool(now.kind) for then, now in sides)
        case Found.DIFFERENT:
            stood = any(then.stayed(now) for then, now in sides)
        case _:
            stood = True
    return later.found if stood else Found.UNDECIDED
