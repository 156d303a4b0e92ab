"""Tells one Sentinel whom to name as master, as another Sentinel would: by a hello with a newer configuration."""

from __future__ import annotations

from actions.adapters.redis.connection import CommandFailed, Node
from actions.adapters.redis.failures import as_error
from actions.kit.errors import CommandRefused, TooLate
from actions.kit.ports import Standing
from actions.kit.replies import parse_fields
from actions.kit.sentinel_naming import newer_epoch, why_not_told
from actions.kit.snapshot import Role, SentinelView
from actions.kit.topology import Address


async def name_master(
    sentinel: Node, master_name: str, master: Address, standing: Standing, views: tuple[SentinelView, ...]
) -> None:
    """Send it, unless it names this master already. It is in force as soon as the Sentinel has answered.

    Args:
        sentinel: which one.
        master_name: the name that it monitors.
        master: whom it shall name.
        standing: how that one stands now.
        views: what all Sentinels say now.

    Raises:
        TooLate: the node is no master by its own word, or another Sentinel names a third one.
        CommandRefused: the Sentinel knows no other, in whose name it could be told.
        ActionError: the Sentinel did not answer.
    """
    (known,) = await sentinel.ask(("SENTINEL", "SENTINELS", master_name), repeatable=True)
    if isinstance(known, CommandFailed):
        raise as_error(f"{sentinel.name} SENTINEL SENTINELS", known)
    if any(view.address == sentinel.address and view.master and view.master.address == master for view in views):
        return
    if standing.role is not Role.MASTER:
        raise TooLate(f"{sentinel.name} was not told of {master}: it is a {standing.role}")
    if why := why_not_told(views, sentinel.address, master):
        raise TooLate(f"{sentinel.name} was not told of {master}: {why}")
    if not known:
        raise CommandRefused(
            f"{sentinel.name} knows no other Sentinel, so nobody can tell it. There: SENTINEL REMOVE {master_name}; "
            f"SENTINEL MONITOR {master_name} {master.host} {master.port} QUORUM, and each SENTINEL SET that it had"
        )
    peer, epoch = parse_fields(known[0]), newer_epoch(views)
    # A hello in the name of one that it knows makes nobody known to it. The epoch stands for the vote as well: the
    # next one is then above it.
    hello = (peer["ip"], peer["port"], peer["runid"], epoch, master_name, master.host, master.port, epoch)
    (answer,) = await sentinel.ask(("PUBLISH", "__sentinel__:hello", ",".join(map(str, hello))))
    if isinstance(answer, CommandFailed):
        raise as_error(f"{sentinel.name} PUBLISH", answer)
