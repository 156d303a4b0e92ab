"""Where a server is dialled: the only place that turns what servers call one another into what leads there."""

from __future__ import annotations

from typing import Protocol

from actions.kit.topology import Address, AddressMap


class Reach(Protocol):
    """Says where to dial for a server, each time anew that a connection is made: the place may come and go.

    It is asked within the time-out of the question that waits for the connection.
    """

    async def __call__(self, announced: Address) -> Address:
        """Where to dial for the server that the others know by this address.

        Raises:
            PermissionError: we may not go there; the words are shown.
            ConnectionRefusedError: it is proven that there is no such server any more.
            OSError: it cannot be reached now; the words are shown.
        """


def by_map(address_map: AddressMap) -> Reach:
    """What ``targets.yaml`` says, which never changes."""

    async def reach(announced: Address) -> Address:
        return address_map.place(announced)

    return reach


async def directly(announced: Address) -> Address:
    """The address itself."""
    return announced
