"""Sets settings on one node after the other, sees that all have them, and writes them to the files.

Until all have them everything can be put back, and a restarted node has its old values by itself: the files are
written last. No I/O here but through Hands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.errors import ActionError, NotYet, TooLate
from actions.kit.late import called_back
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address
from actions.kit.tuning.wanted import said, shown


@dataclass(frozen=True, slots=True)
class SetOn(Step):
    """Change settings of one node, unless somebody else has changed them since they were seen."""

    node: Address
    settings: tuple[SettingChange, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        words = (said(one.name, one.old, one.new) for one in self.settings)
        if len(self.settings) > 1:  # All of it stands in the command.
            words = (one.name for one in self.settings)
        return f"Set {', '.join(words)} on {self.node}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> {'; '.join(f'CONFIG SET {one.name} {_typed(one.new)}' for one in self.settings)}"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed until every node has its new values."""
        return self.settings

    async def holds(self, hands: Hands) -> Held:
        """Whether it has them already."""
        return _has(self.settings, await self._now(hands))

    async def act(self, hands: Hands) -> str:
        """Set, then read.

        Raises:
            TooLate: somebody has changed one of them since.
            NotYet: it does not have them.
        """
        now = await self._now(hands)
        foreign = [one for one in self.settings if now.get(one.name) not in {one.old, one.new}]
        if foreign:
            raise TooLate(f"{_foreign(foreign, now)}: somebody has changed that since this was planned; ask again")
        await hands.change_settings(self.node, as_settings(self.settings), rewrite=False)
        held = _has(self.settings, await self._now(hands))
        if not held.yes:
            raise NotYet(held.observation)
        return held.observation

    async def undo(self, hands: Hands) -> str:
        """Put the old values back, the last first; what somebody else has set meanwhile is left as it is."""
        doubt = await called_back(self.node, hands)
        now = await self._now(hands)
        ours = tuple(one for one in reversed(self.settings) if now.get(one.name) == one.new)
        foreign = [one for one in self.settings if now.get(one.name) not in {one.old, one.new}]
        notes = [f"{_foreign(foreign, now)}, which somebody else has set, and stays so"] if foreign else []
        if ours:
            await hands.change_settings(self.node, as_settings(ours, old=True), rewrite=False)
            back = await self._now(hands)
            wrong = [one for one in ours if back.get(one.name) != one.old]
            if wrong:
                raise NotYet(_foreign(wrong, back))
            notes.append(f"{', '.join(f'{one.name} is {shown(one.name, one.old)}' for one in ours)} again")
        return f"{self.node}: {'; '.join(notes)}{doubt}" if notes else ""

    async def _now(self, hands: Hands) -> Mapping[str, str]:
        return await hands.settings(self.node, tuple(one.name for one in self.settings))


@dataclass(frozen=True, slots=True)
class SeeSettings(Step):
    """See that every node has its new values at the same time; from here on they stay."""

    point_of_no_return: ClassVar[bool] = True

    settings: tuple[SettingChange, ...]
    within_s: int = 5

    @property
    def only_looks(self) -> bool:
        """It does."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        return "See that every node has its new values"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        names = dict.fromkeys(one.name for one in self.settings)
        return f"CONFIG GET {' and '.join(names)} on {', '.join(map(str, _by_node(self.settings)))}"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """They are meant to stay."""
        return self.settings

    async def holds(self, hands: Hands) -> Held:
        """Whether all have them."""
        nodes = _by_node(self.settings)
        told = await asyncio.gather(*(hands.settings(node, _names(wanted)) for node, wanted in nodes.items()))
        held = [_has(wanted, now) for wanted, now in zip(nodes.values(), told, strict=True)]
        wrong = [one.observation for one in held if not one.yes]
        return Held(not wrong, "; ".join(wrong) or f"{len(nodes)} of {len(nodes)} have them")

    async def act(self, hands: Hands) -> str:
        """Look until they have.

        Raises:
            NotYet: one has not: it was restarted, or somebody has changed it.
        """
        return (await until(lambda: self.holds(hands), hands, self.within_s, every_s=0.1)).observation


@dataclass(frozen=True, slots=True)
class KeepSettings(Step):
    """Write the settings to the configuration files: without that a restart brings the old ones back."""

    nodes: tuple[Address, ...]

    @property
    def title(self) -> str:
        """What the step does."""
        return "Write the new values to the configuration files"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"CONFIG REWRITE on {', '.join(map(str, self.nodes))}"

    async def act(self, hands: Hands) -> str:
        """Rewrite on every node; say which have no file that could be written.

        Raises:
            NotYet: some could not be told.
        """
        answers = await asyncio.gather(*map(hands.rewrite_config, self.nodes), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ActionError):
                raise answer
        problems = [str(answer) for answer in answers if isinstance(answer, ActionError)]
        if problems:
            raise NotYet(f"the values are set, and a restart may bring the old ones back: {'; '.join(problems)}")
        without = [str(node) for node, answer in zip(self.nodes, answers, strict=True) if isinstance(answer, str)]
        if not without:
            return f"{len(self.nodes)} of {len(self.nodes)} files were written"
        names = ", ".join(without)
        return f"no file to write on {names}: set it where they are started from, or a restart brings the old values"


def _has(settings: tuple[SettingChange, ...], now: Mapping[str, str]) -> Held:
    wrong = [one for one in settings if now.get(one.name) != one.new]
    if wrong:
        return Held(yes=False, observation=_foreign(wrong, now))
    return Held(yes=True, observation=", ".join(f"{one.name} {shown(one.name, one.new)}" for one in settings))


def _foreign(settings: list[SettingChange], now: Mapping[str, str]) -> str:
    values = ((one, now.get(one.name)) for one in settings)
    return ", ".join(
        f"{one.name} of {one.node} is {'not told' if value is None else shown(one.name, value)}"
        for one, value in values
    )


def _by_node(settings: tuple[SettingChange, ...]) -> Mapping[Address, tuple[SettingChange, ...]]:
    nodes: dict[Address, tuple[SettingChange, ...]] = {}
    for one in settings:
        nodes[one.server] = (*nodes.get(one.server, ()), one)
    return nodes


def _names(settings: tuple[SettingChange, ...]) -> tuple[str, ...]:
    return tuple(one.name for one in settings)


def _typed(value: str) -> str:
    return f'"{value}"' if " " in value else value
