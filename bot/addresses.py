"""Reads where servers are: their addresses, and the map of those that cannot be dialled from here."""

from __future__ import annotations

from actions.kit.errors import UsageError
from actions.kit.topology import Address, AddressMap
from bot.marked import Field, Section

_ANY_PORT = 1
"""Stands in for the port of what is written without one."""


def read_addresses(section: Section, name: str, default_port: int, address_map: AddressMap) -> tuple[Address, ...]:
    """A list of at least one server, each by the address that the servers know it by.

    Either address may be written for a server that is mapped; it is one server all the same.

    Raises:
        SettingsError: one of them is no address, or is there twice.
    """
    seen: list[Address] = []
    for item in section.need(name, f"list at least one host:port of the {name}").items():
        written = item.address(default_port)
        address = address_map.announced(written)
        if address in seen:
            by_map = "" if written == address else f" ({written} by the address map)"
            raise item.wrong(f"is {address}{by_map}, which is in the list already; keep one.")
        seen.append(address)
    return tuple(seen)


def read_address_map(field: Field | None) -> AddressMap:
    """What the servers call themselves, each with what is dialled for it.

    ``host:port`` leads to another ``host:port``, or to a host at the same port; a ``host`` leads to another host, for
    all ports.

    Raises:
        SettingsError: an entry is no pair of addresses, leads to itself or to what is mapped too, or leads where
            another leads already; names the line.
    """
    if field is None:
        return AddressMap()
    places: dict[Address, Address] = {}
    hosts: dict[str, str] = {}
    lines: dict[Address | str, Field] = {}
    for key, value in field.named():
        announced = _of_one_server(key)
        place: Address | str
        if announced is None:
            host, place = _host(key), _host(value)
            hosts[host] = place
        else:
            place = places[announced] = value.address(announced.port)
        if place in lines:
            other = lines[place]
            raise value.wrong(
                f"leads to {place}, as does line {other.node.start_mark.line + 1}: two servers cannot be at one place. "
                "Keep one."
            )
        lines[place] = value
    if not lines:
        raise field.wrong("is empty; leave it out, or map an address: 10.0.0.5:6379: 127.0.0.1:16379.")
    for place, value in lines.items():
        _refuse_to_go_on(place, value, places, hosts)
    return AddressMap(tuple(places.items()), tuple(hosts.items()))


def _refuse_to_go_on(place: Address | str, value: Field, places: dict[Address, Address], hosts: dict[str, str]) -> None:
    """What is dialled is dialled: a place that is mapped itself is a circle, or was meant otherwise."""
    host = place.host if isinstance(place, Address) else place
    if place in places or host in hosts:
        raise value.wrong(
            f"leads to {place}, which is mapped itself; give the address that can be dialled from where Tandem runs."
        )


def _of_one_server(key: Field) -> Address | None:
    """The address in a key; ``None`` where it is a host without a port."""
    try:
        return Address.parse(str(key.node.value))
    except UsageError:
        key.address(_ANY_PORT)
        return None


def _host(field: Field) -> str:
    if _of_one_server(field) is not None:
        raise field.wrong(f"is {field.text()}: a host leads to a host. Write both with their port, or none of them.")
    return field.address(_ANY_PORT).host
