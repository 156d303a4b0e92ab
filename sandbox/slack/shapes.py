"""Small checks of JSON shapes, of which the Block Kit rules are made. No I/O here.

A check takes a value and a JSON pointer and yields problems, each a sentence as Slack words it, with the pointer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def problem(sentence: str, at: str) -> str:
    """Return one line of `response_metadata.messages`."""
    return f"[ERROR] {sentence} [json-pointer:{at}]"


def string(longest: int, shortest: int = 0) -> Check:
    """Accept a string of so many characters."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must provide a string", at)
        elif len(value) > longest:
            yield problem(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            yield problem(f"must be more than {shortest - 1} characters", at)

    return check


def one_of(*allowed: object) -> Check:
    """Accept one of these values."""

    def check(value: Any, at: str) -> Iterator[str]:
        if value not in allowed or isinstance(value, bool):
            yield problem(f"must be one of {', '.join(map(str, allowed))}", at)

    return check


def boolean(value: Any, at: str) -> Iterator[str]:
    """Accept true or false."""
    if not isinstance(value, bool):
        yield problem("must provide a boolean", at)


def number(least: int, most: int) -> Check:
    """Accept a number within these bounds."""

    def check(value: Any, at: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield problem("must provide a number", at)
        elif not least <= value <= most:
            yield problem(f"must be between {least} and {most}", at)

    return check


def url(value: Any, at: str) -> Iterator[str]:
    """Accept an http or https address of at most 3,000 characters."""
    yield from string(3000, 1)(value, at)
    if isinstance(value, str) and not value.startswith(("http://", "https://")):
        yield problem("must be a valid url", at)


def items(each: Check, least: int, most: int) -> Check:
    """Accept an array with so many elements, each of which passes the check."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem("must provide an array", at)
            return
        if len(value) > most:
            yield problem(f"no more than {most} items allowed", at)
        if len(value) < least:
            yield problem(f"must provide at least {least} items", at)
        for index, entry in enumerate(value):
            yield from each(entry, f"{at}/{index}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with these keys and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must provide an object", at)
            return
        for key in required:
            if key not in value:
                yield problem(f"missing required field: {key}", at)
        for key, entry in value.items():
            if key in known:
                yield from known[key](entry, f"{at}/{key}")
            else:
                yield problem(f"additional property not allowed: {key}", at)

    return check


def kind(name: str, required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> dict[str, Check]:
    """Return the entry of one `type` for `tagged`."""
    return {name: record({"type": one_of(name), **required}, optional)}


def tagged(kinds: Mapping[str, Check]) -> Check:
    """Accept an object whose `type` is one of these, checked by the rules of that type."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must provide an object", at)
        elif not isinstance(value.get("type"), str):
            yield problem("missing required field: type", at)
        elif value["type"] not in kinds:
            yield problem(f"unsupported type: {value['type']}", at)
        else:
            yield from kinds[value["type"]](value, at)

    return check


def both(first: Check, second: Check) -> Check:
    """Accept what passes both checks; the second one runs only where the first finds nothing."""

    def check(value: Any, at: str) -> Iterator[str]:
        found = list(first(value, at))
        yield from found
        if not found:
            yield from second(value, at)

    return check
