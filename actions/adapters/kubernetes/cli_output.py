"""Reads what ``redis-cli --no-raw`` prints, and says it again as Redis would have. Pure.

Each answer is followed by a PING with a token that is in no data, so that one ends where its token begins. INFO and the
like are printed as they are, everything else with its type: ``(integer) 1``, ``"text"``, ``1) …``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Answer = bytes | int | None | Exception | list["Answer"]

_AS_IT_IS = ({"info"}, {"cluster nodes", "cluster info", "client list", "client info"})
_ITEM = re.compile(r" *\d+\) ")
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)", re.DOTALL)
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
_TOOK = re.compile(r"\(\d+\.\d\ds\)")
_EMPTY = ("(empty array)", "(empty list or set)")


class CommandError(Exception):
    """An error reply."""


def split(output: str, token: str) -> list[str]:
    """What was printed between the tokens; what comes after the last one is no answer."""
    return re.split(rf'^"{re.escape(token)}"\n', output, flags=re.MULTILINE)[:-1]


def read(command: Sequence[str], printed: str) -> Answer:
    """One answer.

    Raises:
        ValueError: it is none.
    """
    words = [word.lower() for word in command[:2]]
    raw = words[0] in _AS_IT_IS[0] or " ".join(words) in _AS_IT_IS[1]
    if raw and not printed.startswith("(error) "):
        return printed.removesuffix("\n").encode()
    lines = [line for line in printed.split("\n") if line and not _TOOK.fullmatch(line)]
    answer, used = _value(lines, 0, 0)
    if used != len(lines):
        raise ValueError(f"{printed[:100]!r} is more than one answer")
    return answer


def resp(answer: Answer) -> bytes:
    """The same in Redis' own protocol, RESP2."""
    if answer is None:
        return b"$-1\r\n"
    if isinstance(answer, Exception):
        return b"-" + " ".join(str(answer).split()).encode() + b"\r\n"
    if isinstance(answer, int):
        return b":%d\r\n" % answer
    if isinstance(answer, bytes):
        return b"$%d\r\n%s\r\n" % (len(answer), answer)
    return b"*%d\r\n" % len(answer) + b"".join(map(resp, answer))


def line_of(command: Sequence[bytes]) -> str:
    """A command as a line of redis-cli's input, each word in quotes and everything in it escaped."""
    return " ".join('"' + "".join(_quoted(byte) for byte in word) + '"' for word in command)


def _quoted(byte: int) -> str:
    plain = 32 <= byte < 127 and chr(byte) not in '"\\'
    return chr(byte) if plain else f"\\x{byte:02x}"


def _value(lines: Sequence[str], index: int, column: int) -> tuple[Answer, int]:
    """The value that begins there, and the line after it."""
    if index >= len(lines):
        raise ValueError("there is no answer")
    text = lines[index][column:]
    if _ITEM.match(text):
        return _items(lines, index, column)
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return _unescaped(text[1:-1]), index + 1
    if text.startswith("(integer) "):
        return int(text.removeprefix("(integer) ")), index + 1
    if text.startswith("(error) "):
        return CommandError(text.removeprefix("(error) ")), index + 1
    if text in _EMPTY:
        return [], index + 1
    return (None if text == "(nil)" else text.encode()), index + 1


def _items(lines: Sequence[str], index: int, column: int) -> tuple[Answer, int]:
    found: list[Answer] = []
    while index < len(lines):
        head = _ITEM.match(lines[index], column)
        mine = head is not None and int(head[0].strip(" )")) == len(found) + 1
        if head is None or not mine or (found and lines[index][:column].strip()):
            break
        item, index = _value(lines, index, head.end())
        found.append(item)
    return found, index


def _unescaped(text: str) -> bytes:
    def character(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code[1:], 16)]) if len(code) == 3 else _SHORT.get(code, code)

    return _ESCAPE.sub(character, text.encode())
