"""What a comparison of keys found, in words and as JSON; names only where they were asked for. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bot.render.words import counted, plain

if TYPE_CHECKING:
    from actions.kit.action import Seen
    from actions.kit.comparison import Comparison, KeyName

NAME_LENGTH = 200


def comparison_lines(seen: Seen) -> Iterator[str]:
    """The counts, a line or two for each two masters, and why there are none."""
    for one in seen.comparisons:
        yield f"{one.first} and {one.second}: {_counts(one)}"
        if not one.complete:
            yield f"Not all keys were compared, and the numbers are only of those before: {one.why_incomplete}"
        elif one.alike:
            yield "Nothing is lost with either of them, so long as nothing is written."
    if seen.uncompared:
        yield f"Keys were not compared: {seen.uncompared}"


def name_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The names that were asked for, each with where it is; characters that a terminal would obey made visible."""
    for one in comparisons:
        if one.names:
            yield f"{one.first} is the first, {one.second} the second"
        for name in one.names:
            yield f"  {name.found}: {_spelled(name)}"
        left = one.only_first + one.only_second + one.different + one.undecided - len(one.names)
        if one.names and left > 0:
            yield f"  … and {counted(left, 'more key')}"


def comparison_json(seen: Seen) -> dict[str, Any]:
    """Keys to add to what ``diagnose`` prints; none where nothing was to be compared."""
    compared = [_one_json(one) for one in seen.comparisons]
    why = {"uncompared": seen.uncompared} if seen.uncompared else {}
    return {**({"compared": compared} if compared else {}), **why}


def _counts(one: Comparison) -> str:
    undecided = f", {one.undecided:,} undecided" if one.undecided else ""
    return (
        f"{one.only_first:,} only on the first, {one.only_second:,} only on the second, {one.different:,} different, "
        f"{one.same:,} the same{undecided}"
    )


def _one_json(one: Comparison) -> dict[str, Any]:
    names = [
        {"database": name.database, "name": _text(name), "found": name.found.value.replace(" ", "-")}
        for name in one.names
    ]
    return {
        **one.values,
        **({"names": names} if names else {}),
    }


def _spelled(name: KeyName) -> str:
    database = f" in database {name.database}" if name.database else ""
    return f"'{plain(_text(name), NAME_LENGTH)}'{database}"


def _text(name: KeyName) -> str:
    return name.name.decode(errors="backslashreplace")
