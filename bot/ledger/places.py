"""How a debt's place is kept: a server by host and port, anything else by kind and name and port 0. No I/O here."""

from __future__ import annotations

from actions.kit.topology import Address, Place, Resource


def columns(place: Place) -> tuple[str, int]:
    """``host`` and ``port`` of the row."""
    return place if isinstance(place, Address) else (f"{place.kind}/{place.name}", 0)


def place(host: str, port: int) -> Place:
    """What ``columns`` has written."""
    if port:
        return Address(host, port)
    kind, _, name = host.partition("/")
    return Resource(kind, name)
