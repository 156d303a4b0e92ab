"""Keeps the ledger's memory of people fresh, so that terminals know who is who when Slack cannot be asked.

Nobody waits for it: what Slack answers is collected, and written down in the background.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from actions.kit.errors import TandemError
from bot.directory import Directory, Human, LookupFailed, SlackSilent
from bot.fleet import Fleet
from bot.ledger import Ledger, LedgerError
from bot.waiting import within

log = logging.getLogger(__name__)

EVERY_S = 60.0
"""How often everybody who matters is asked about."""
AT_A_TIME = 30
"""Questions in one round: Slack takes about a hundred a minute, and clicks need most of them."""


class Memory:
    """What Slack has said and what is not yet written down. ``heard`` is set while there is something."""

    def __init__(self, ledger: Ledger) -> None:
        self.heard = asyncio.Event()
        self._ledger = ledger
        self._humans: dict[str, Human] = {}
        self._groups: dict[str, tuple[str, ...]] = {}

    def person(self, human: Human) -> None:
        """Slack has just said this of a user."""
        self._humans[human.id] = human
        self.heard.set()

    def group(self, group_id: str, members: tuple[str, ...]) -> None:
        """Slack has just named the members of a user group."""
        self._groups[group_id] = members
        self.heard.set()

    async def write(self) -> None:
        """Write down what was heard; where that fails it is forgotten, since it would be late the next time."""
        humans, self._humans = self._humans, {}
        groups, self._groups = self._groups, {}
        self.heard.clear()
        try:
            await self._ledger.people.remember(humans.values(), groups)
        except LedgerError as error:
            log.warning("What Slack says of people could not be written down: %s", error)


class Keeper:
    """Asks again and again about everybody whom the settings name, or who has a token."""

    def __init__(self, ledger: Ledger, memory: Memory, directory: Directory, fleet: Fleet) -> None:
        self._ledger, self._memory, self._directory, self._fleet = ledger, memory, directory, fleet
        self._over = False
        self._task: asyncio.Task[None] | None = None

    def start(self, every_s: float = EVERY_S) -> None:
        """Begin with the first round."""
        self._task = asyncio.create_task(self._run(every_s))

    async def aclose(self) -> None:
        """Let what is being asked or written come to its end, and stop."""
        self._over = True
        self._memory.heard.set()
        if self._task is not None:
            await self._task

    async def _run(self, every_s: float) -> None:
        while not self._over:
            try:
                await self._round()
            except TandemError as error:
                log.warning("Not everybody was asked about: %s", error)
            except Exception:
                log.exception("A round of questions about people failed.")
            await self._write_until(asyncio.get_running_loop().time() + every_s)

    async def _write_until(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._over and loop.time() < end:
            await within(self._memory.heard, end - loop.time())
            await self._memory.write()

    async def _round(self) -> None:
        """Ask about whoever was not asked about lately: first the groups, then the people in them and all others.

        Raises:
            SlackSilent: the rest would get no answer either.
            LedgerError: the ledger cannot say who that is.
        """
        named = self._fleet.everybody
        heard = await self._ledger.people.heard()
        groups = [one.usergroup for one in named if one.usergroup]
        await self._ask(self._directory.group_members, heard.stale(groups, heard.groups))
        await self._memory.write()
        heard = await self._ledger.people.heard()
        members = [one for group in groups if group in heard.groups for one in heard.groups[group][0]]
        ids = [*(one for people in named for one in people.users), *members, *await self._ledger.tokens.owners()]
        await self._ask(self._directory.user, heard.stale(ids, heard.humans))
        await self._memory.write()

    async def _ask(self, ask: Callable[[str], Awaitable[object]], ids: Sequence[str]) -> None:
        for one in ids[:AT_A_TIME]:
            if self._over:
                return
            try:
                await ask(one)
            except SlackSilent:
                raise
            except LookupFailed as error:  # It may have been removed from Slack; the others are still asked about.
                log.info("%s", error)
