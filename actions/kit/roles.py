"""What a node is by its own word, as steps ask it. No I/O here but through Hands."""

from __future__ import annotations

from actions.kit.plan import Held
from actions.kit.ports import Hands
from actions.kit.snapshot import Role
from actions.kit.topology import Address


async def is_master(node: Address, hands: Hands) -> Held:
    """Whether it is a master. Source: INFO replication.

    Raises:
        ActionError: it does not answer.
    """
    standing = await hands.standing(node)
    return Held(standing.role is Role.MASTER, f"{node} is a {standing.role}")


async def follows(node: Address, master: Address, hands: Hands) -> Held:
    """Whether it is a replica of this master. Source: INFO replication.

    Raises:
        ActionError: it does not answer.
    """
    standing = await hands.standing(node)
    of = f" of {standing.master}" if standing.master else ""
    return Held(standing.role is Role.REPLICA and standing.master == master, f"{node} is a {standing.role}{of}")
