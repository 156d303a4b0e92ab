"""An old master that comes back while another takes its place: closed at once, given up only where nothing is lost.

Closed, it refuses writes; where Sentinels see to it that it follows, its data is held back from them too. No I/O here
but through Hands.
"""

from __future__ import annotations

from dataclasses import replace

from actions.kit.diagnosis.lineage import only_on_old
from actions.kit.errors import NotYet
from actions.kit.fencing import MAX_LAG
from actions.kit.holding import PASSWORD, USER, hold_of, is_held, without_hold
from actions.kit.plan import Debts, SettingChange
from actions.kit.ports import Hands
from actions.kit.snapshot import NodeConfig
from actions.kit.topology import Address

_LOGIN = (USER, PASSWORD)


class Unowed(Debts):
    """Where no run keeps what is owed."""

    async def owes(self, change: SettingChange) -> None:
        """Nobody asks for it."""

    async def repaid(self, change: SettingChange) -> None:
        """Nobody asked for it."""


async def changes_now(
    node: Address, fence: tuple[SettingChange, ...], hands: Hands, *, hold: bool
) -> tuple[SettingChange, ...]:
    """What closes a master, with the values that are there now; nothing of what is so already.

    It may switch its fence off by settings of its own, which nobody has seen of one that was lost. With ``hold`` it
    keeps its data, too, when it is made a replica.
    """
    names = dict.fromkeys((MAX_LAG, *(change.name for change in fence), *(_LOGIN if hold else ())))
    there = await hands.settings(node, tuple(names))
    if fence and there.get(MAX_LAG) == "0":
        fence = (SettingChange(node, MAX_LAG, "10", "0"), *(change for change in fence if change.name != MAX_LAG))
    changes = [replace(change, old=there.get(change.name, change.old)) for change in fence]
    if hold and not is_held(there):
        login = NodeConfig(masterauth=bool(there.get(PASSWORD)), masteruser=there.get(USER))
        changes.append(hold_of(node, login))
    return tuple(change for change in changes if change.old != change.new)


async def hold_back(node: Address, hands: Hands, debts: Debts) -> None:
    """Have a node keep its data when Sentinels make it a replica, until ``repair`` has copied it."""
    for change in await changes_now(node, (), hands, hold=True):
        await debts.owes(change)
        await hands.change_settings(node, {change.name: change.new}, rewrite=False)


async def holds_back(node: Address, hands: Hands) -> bool:
    """Whether its data is held back."""
    return is_held(await hands.settings(node, _LOGIN))


async def let_go(node: Address, hands: Hands, debts: Debts) -> None:
    """Give a node its login back: as a replica it throws away what its master lacks from then on."""
    there = {name: value for name, value in (await hands.settings(node, _LOGIN)).items() if is_held({name: value})}
    plain = without_hold(there)
    if plain:
        await hands.change_settings(node, plain, rewrite=False)
    for name in plain:
        await debts.repaid(SettingChange(node, name, there[name], plain[name]))


async def surplus(node: Address, master: Address, hands: Hands) -> str | None:
    """What it has that the new master lacks, in a sentence that says what to do; ``None`` where it has nothing.

    Raises:
        NotYet: one of the two does not answer, or is loading.
    """
    snapshot = await hands.observe()
    old, new = snapshot.node(node), snapshot.node(master)
    if old is None or old.info is None or old.info.loading or new is None or new.info is None:
        raise NotYet("one of the two masters does not answer, or is loading")
    if old.keys == 0:
        return None
    count = only_on_old(old.info, new.info)
    restarted = old.info.replid != new.info.replid2
    if restarted and old.info.changes_since_save != 0:
        count = None  # Without replicas and backlog the offset of a master does not count what it takes.
    if count == 0:
        return None
    has = "nothing proves what it has that the new master lacks" if count is None else f"{count:,} bytes only it has"
    return f"{has}. Save what is needed of it: repair {snapshot.target} --keep {master} copies it, and demotes it then"
