"""What a node is by its own word, as steps ask it. No I/O here but through Hands."""

from __future__ import annotations

from actions.kit.errors import DataLost, Gone, NotYet, TooLate, Unreachable
from actions.kit.plan import Held
from actions.kit.ports import Hands, Standing
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


async def master_to_follow(node: Address, master: Address, hands: Hands, replid: str = "", offset: int = 0) -> None:
    """See that a node is not sent after one that is gone, is no master any more, or has lost what it was promoted with.

    A new master that is merely silent was seen to be promoted, and serves others. One that was restarted comes back
    with what its dump held, nothing perhaps, and whoever follows it then throws the last copies away. Only an
    append-only file keeps all, and forgets the history.

    Args:
        node: the one that is to follow.
        master: the one that was promoted.
        hands: what asks it.
        replid: the history that it was promoted from; empty where that is not known.
        offset: a byte of that history that it had then.

    Raises:
        NotYet: it is gone.
        TooLate: it is a replica by now.
        DataLost: it is of another history.
    """
    try:
        standing = await hands.standing(master)
    except Gone as error:
        raise NotYet(f"{node} was left as it is, for the new master is gone: {error}") from error
    except Unreachable:
        return
    if standing.role is not Role.MASTER:
        raise TooLate(f"{node} was left as it is: {master} is a {standing.role} by now")
    if not await has_all(master, standing, hands, replid, offset):
        raise DataLost(
            f"{node} was left as it is: {master} was restarted since it was promoted, and nothing proves that it still "
            f"has the data, which would be thrown away on {node} too"
        )


async def has_all(master: Address, standing: Standing, hands: Hands, replid: str, offset: int) -> bool:
    """Whether a promoted node goes on with the history that it was promoted from, as far as that had come.

    Args as those of ``master_to_follow``; ``standing`` is the node's.
    """
    went_on = replid == standing.replid2 and offset < standing.second_repl_offset
    return not replid or replid == standing.replid or went_on or await _keeps_all(master, hands)


async def _keeps_all(node: Address, hands: Hands) -> bool:
    view = (await hands.observe()).node(node)
    return view is not None and view.info is not None and view.info.aof_enabled is True
