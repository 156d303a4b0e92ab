"""What becomes of the old master after a promotion by us: it follows, if nothing can be lost by it.

One that hangs or is restarted comes back as a master: it is fenced before anything else. No I/O here but through Hands.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from actions.kit import old_master, roles
from actions.kit.errors import ActionError, Gone, NotYet, Temporary, TooLate, Unreachable
from actions.kit.fencing import FENCE, MAX_LAG, but_its_scripts, is_fenced, keeps_fence
from actions.kit.following import refuses_writes
from actions.kit.late import called_back
from actions.kit.plan import Debts, Held, SettingChange, Step
from actions.kit.ports import Hands, Standing
from actions.kit.snapshot import Role
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Rejoin(Step):
    """Make the old master a replica of the new one, its clients sent away and its settings as they were.

    One transaction ends its pause and demotes it: writes that wait in the pause would else run in between.
    """

    node: Address
    master: Address
    settings: tuple[SettingChange, ...]
    """Its fence; the old values are assumed where it could not be asked."""
    pause_ms: int
    replid: str = ""
    """Its history when this was planned: with it and its fence it has taken no write since it was fenced.

    Empty where it is lost: it is not fenced yet, and may stay away. What is set on it is owed once it is there.
    """
    within_s: int = 5
    again: bool = False
    """The step is there for an old master that was silent when its turn came first."""
    offset: int = 0
    """How far its history had come when this was planned."""
    hold: bool = False
    """Sentinels demote it too, within seconds: its data has to be held back until it is known that nothing is lost."""
    history: str = ""
    """That which the new master goes on with, where the old one is lost."""

    @property
    def title(self) -> str:
        """What the step does."""
        if not self.replid:
            return f"Fence {self.node} if it {f'comes back within {self.within_s} s' if self.again else 'is back'}"
        return f"See that {self.node} follows" if self.again else f"Demote {self.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f"CONFIG SET {change.name} {change.old}; " for change in self.settings)
        return (
            f"{self.node}> MULTI; CLIENT UNPAUSE; REPLICAOF {self.master.host} {self.master.port}; EXEC; "
            f"CLIENT KILL TYPE normal; {sets}CONFIG REWRITE"
        )

    @property
    def closing(self) -> str:
        """What closes one that comes back, for a person."""
        sets = "".join(f" CONFIG SET {change.name} {change.new};" for change in self.settings)
        return f"{self.node}> MULTI; CLIENT PAUSE {self.pause_ms} WRITE;{sets} EXEC"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed; of one that was lost the act itself says so."""
        return self.settings if self.replid else ()

    async def holds(self, hands: Hands) -> Held:
        """Whether it follows, without a fence; one that does not answer is what the step is there for."""
        try:
            follows = await self._look(hands)
            left = await keeps_fence(self.node, hands) or (self.hold and await old_master.holds_back(self.node, hands))
            return Held(follows.yes and not left, follows.observation)
        except Unreachable as error:
            return Held(yes=False, observation=str(error))

    async def destroys(self, hands: Hands) -> str | None:
        """What only the old master has is thrown away once it follows."""
        try:
            held = await self._look(hands)
            if held.yes:
                return None
            await roles.master_to_follow(self.node, self.master, hands, self.replid or self.history, self.offset)
        except Temporary as error:
            return f"{self.node} has to be demoted and does not answer ({error})"
        return f"{self.node} has to be demoted: {held.observation}"

    async def act(self, hands: Hands) -> str:
        """As ``perform``, where nobody keeps what is owed."""
        return await self.perform(hands, old_master.Unowed())

    async def perform(self, hands: Hands, debts: Debts) -> str:
        """Try again while it does not answer; then disconnect its clients and put its settings back.

        Raises:
            NotYet: it answers and does not follow, or fell silent once it was fenced.
        """
        back: dict[str, str] = {}
        try:
            return await self.home(hands, debts, back)
        except NotYet as error:
            if self.replid:
                raise
            there = await self._there(hands)
            if there and not self.again:
                return f"not yet: {error}; it is looked at again"
            if there or (there is None and back):
                raise
            return f"it has not come back ({error}); should it later, it is a second master"

    async def close(self, hands: Hands, debts: Debts, back: dict[str, str]) -> None:
        """Have it refuse writes. What is there is owed first, and kept in ``back`` by name."""
        changes = await old_master.changes_now(self.node, self.settings, hands, hold=self.hold)
        for change in changes:
            await debts.owes(change)
            back.setdefault(change.name, change.old)
        await hands.fence(self.node, self.pause_ms, as_settings(changes))

    async def reopen(self, hands: Hands, debts: Debts, back: Mapping[str, str]) -> None:
        """Undo ``close``, as far as it answers: nobody else takes writes."""
        with contextlib.suppress(ActionError):  # It stays owed.
            await called_back(self.node, hands)
            await hands.unfence(self.node, back)
            for name, value in back.items():
                await debts.repaid(SettingChange(self.node, name, "", value))

    async def home(self, hands: Hands, debts: Debts, back: dict[str, str]) -> str:
        """Have it follow where nothing is lost by that. ``back``: its values as they were, where that is known.

        Raises:
            TooLate: something would be, and it stays closed.
            NotYet: it does not answer, or whom it has to follow.
        """
        held = await until(lambda: self._follows(hands, debts, back), hands, self.within_s, every_s=0.1)
        await hands.disconnect_clients(self.node)
        known = FENCE in back and not self.replid  # All that it has was looked at before it was closed.
        values = back if known else {**as_settings(self.settings, old=True), **back}
        put_back = {name: value for name, value in values.items() if name in (FENCE, MAX_LAG)}
        await hands.change_settings(self.node, put_back, rewrite=True)
        for name, value in put_back.items():
            await debts.repaid(SettingChange(self.node, name, "", value))
        return f"{held.observation}, its clients were disconnected and its settings put back"

    async def _follows(self, hands: Hands, debts: Debts, back: dict[str, str]) -> Held:
        standing = await hands.standing(self.node)
        if standing.role is Role.REPLICA and self.hold and await old_master.holds_back(self.node, hands):
            raise TooLate(
                f"{self.node} was made a replica of {standing.master} and keeps its data, which the new master may "
                f"lack: repair --keep {self.master} copies it first"
            )
        if standing.master == self.master:
            return await self._look(hands)
        await roles.master_to_follow(self.node, self.master, hands)
        if standing.role is Role.MASTER:  # Closed beside an open one, also where it is not to follow that.
            await self._fenced(standing, hands, debts, back)
        await roles.master_to_follow(self.node, self.master, hands, self.replid or self.history, self.offset)
        if self.hold:
            await old_master.let_go(self.node, hands, debts)
        await hands.demote(self.node, self.master)
        return await self._look(hands)

    async def _fenced(self, standing: Standing, hands: Hands, debts: Debts, back: dict[str, str]) -> None:
        """See that a master refuses writes, and that it has taken none that the new one lacks.

        Raises:
            TooLate: it has, or may have: whether that may be thrown away is for a person to say. Or it is the only one
                that takes any.
        """
        fenced = await is_fenced(self.node, hands)
        if not fenced and await refuses_writes(self.master, hands):
            raise TooLate(f"{self.node} was left as it is: it takes writes, and {self.master} refuses them")
        if not (fenced and self.replid):
            await self.close(hands, debts, back)
        if fenced and standing.replid == self.replid:
            return
        surplus = await old_master.surplus(self.node, self.master, hands)
        if surplus:
            refuses = f"It refuses writes now{await but_its_scripts(self.node, hands)}"
            raise TooLate(f"{self.node} came back as a master. {refuses}, but was not demoted: {surplus}")

    async def _there(self, hands: Hands) -> bool | None:
        """Whether it answers; ``None`` where it is merely silent, as one that hangs."""
        try:
            await hands.standing(self.node)
        except Gone:
            return False
        except ActionError:
            return None
        return True

    async def _look(self, hands: Hands) -> Held:
        return await roles.follows(self.node, self.master, hands)
