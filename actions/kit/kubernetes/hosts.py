"""Which hosts an application's setting names, and the same setting for another host. No I/O here."""

from __future__ import annotations

import re

_PART = re.compile(
    r"(?P<scheme>rediss?(?:\+[a-z]+)?://)?(?P<user>[^@/,\s]*@)?(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)"
    r"(?P<port>:\d{1,5})?(?P<path>/[^,\s]*)?"
)


def hosts_in(value: str) -> tuple[str, ...]:
    """The hosts of ``host``, ``host:port``, ``redis://…`` or several of these with commas; none where it is none."""
    return tuple(part["host"].strip("[]") for part in _parts(value))


def hides(value: str) -> bool:
    """Whether it holds a password: then it is neither shown nor written down."""
    return "@" in value


def without_password(value: str) -> str:
    """The same with ``***`` for user and password."""
    return re.sub(r"(^|//|,)[^/,]*@", r"\1***@", value)


def pointed_at(value: str, host: str, port: int) -> str | None:
    """The same setting for another host, and port where it names one; ``None`` where it names several hosts or none."""
    parts = _parts(value)
    if len(parts) != 1:
        return None
    (part,) = parts
    in_url = bool(part["scheme"] or part["port"])
    spelled = f"[{host}]" if ":" in host and in_url else host
    start, end = part.span("host")
    if part["port"]:
        spelled, end = f"{spelled}:{port}", part.end("port")
    return value[:start] + spelled + value[end:]


def _parts(value: str) -> tuple[re.Match[str], ...]:
    """Each of them; none at all where something between two commas is none."""
    found: list[re.Match[str]] = []
    for piece in re.finditer(r"[^,\s]+", value):
        part = _PART.match(value, piece.start())
        if part is None or part.end() != piece.end():
            return ()
        found.append(part)
    return tuple(found)
