"""A master that has handed over to one that is no master any more: nobody is, and it gets its role back.

Valkey's coordinated failover makes the candidate a master and the old one its replica before any Sentinel knows of it.
Restarted in that second the candidate comes back as what its file says, a replica of the old one: two replicas that
follow each other. The Sentinels promote somebody else after twice their failover-timeout, minutes often. The old one
has all the data and is still whom they name, so it is master again at once. No I/O here but through Hands.
"""

from __future__ import annotations

from actions.kit.errors import NotYet
from actions.kit.fencing import but_its_scripts, why_open
from actions.kit.plan import SettingChange
from actions.kit.ports import Hands
from actions.kit.roles import has_all, is_master
from actions.kit.snapshot import Role, Snapshot
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address

WITHIN_S = 5
_MOVING = frozenset({"s_down", "o_down", "failover_in_progress"})


async def given_back(
    master: Address, candidate: Address, fence: tuple[SettingChange, ...], history: tuple[str, int], hands: Hands
) -> str:
    """See that the old master is a master that takes writes; if it has handed over, make it one, behind its fence.

    Args:
        master: the old one.
        candidate: whom it had handed over to, and who was seen not to be a master any more.
        fence: what has it refuse writes until it is seen that nobody else is promoted.
        history: its replid and how far it had come when this was planned.
        hands: what acts.

    Returns:
        What to add to the note of an undoing; nothing where it had not handed over.

    Raises:
        NotYet: it cannot be seen that this is safe; says who is in charge then.
    """
    standing = await hands.standing(master)
    if standing.role is not Role.REPLICA:
        await hands.unfence(master, {})  # Sentinel has paused it for as long as its own time-out, minutes often.
        return ""
    nobody = f"{master} has handed over to {candidate}, which is no master any more: nobody takes writes"
    if not await has_all(master, standing, hands, *history):
        raise NotYet(f"{nobody}. Nothing proves that {master} still has the data, so it was not made master again")
    if why := _in_charge(await hands.observe(), master):
        raise NotYet(f"{nobody}. {why}")
    await hands.change_settings(master, as_settings(fence), rewrite=False)
    if why := await why_open(master, hands, as_settings(fence)):
        raise NotYet(f"{nobody}. {master} was not made master again, since it cannot be fenced: {why}")
    await hands.promote(master)
    await until(lambda: is_master(master, hands), hands, WITHIN_S, every_s=0.1)
    if why := _in_charge(await hands.observe(), master):
        closed = f"refuses writes{await but_its_scripts(master, hands)}"
        raise NotYet(f"{nobody}. {master} was made master again, and {closed}: {why}")
    await hands.unfence(master, as_settings(fence, old=True))
    return (
        f"; {master} had handed over to it, so nobody was master: the Sentinels still named {master}, and it was made "
        f"master again and takes writes. Took {candidate} any meanwhile and had not passed them on, those are lost"
    )


def _in_charge(snapshot: Snapshot, master: Address) -> str | None:
    """Why it is for the Sentinels to say who is master, in a sentence; ``None`` where all that answer name this one.

    Whoever holds it to be down may be failing over in the next moment.
    """
    others = ", ".join(str(node.address) for node in snapshot.masters if node.address != master)
    if others:
        return f"{others} says that it is a master"
    wait = "The Sentinels promote a replica when their own time is over: wait for it"
    votes = [view.master for view in snapshot.sentinels if view.master is not None]
    if len(votes) * 2 <= snapshot.electorate:
        return f"No majority of the Sentinels answers. {wait}"
    if named := {vote.address for vote in votes} - {master}:
        return f"The Sentinels name {', '.join(map(str, sorted(named)))}"
    if any(vote.flags & _MOVING for vote in votes):
        return f"The Sentinels hold {master} to be down. {wait}"
    return None
