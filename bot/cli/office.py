"""The terminal's desk, wired in one place: the same ledger, policy, plans and runs as in Slack, and no Slack needed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from actions.adapters import connect
from actions.kit.errors import SettingsError
from bot.cli import screen
from bot.cli.directory import TerminalDirectory
from bot.cli.records import existing_ledger
from bot.directory import Directory
from bot.fleet import Fleet
from bot.ledger import Ledger, Person
from bot.people import Memory
from bot.policy import Policy
from bot.requests import Desk
from bot.settings import Settings, load_settings
from bot.targets import load_targets

PATIENCE_S = 60.0
"""How long a run of this process may still go on to its end when it is told to stop: there may be no bot to go on."""


@dataclass(frozen=True, slots=True)
class Office:
    """Everything that a command works with."""

    settings: Settings
    fleet: Fleet
    ledger: Ledger
    policy: Policy
    desk: Desk
    directory: TerminalDirectory
    memory: Memory

    async def signed_in(self) -> Person:
        """Who is at this terminal: whose token it is, as somebody who is a colleague now.

        Raises:
            SettingsError: there is no token, or it is none.
            Refused: it is unknown, expired or revoked, or its owner is gone.
        """
        if self.settings.token is None:
            raise SettingsError(
                "TANDEM_TOKEN is not set; it says who you are. Type /redis token in Slack, and set it to what you get."
            )
        try:
            token = await self.desk.tokens.owner(self.settings.token.get_secret_value().strip())
        finally:
            await self.memory.write()
        return token.person

    def vouched(self, person: Person) -> Person:
        """The same person, with how old the answers are by which it was decided what they may do; that is told once."""
        as_of = self.directory.as_of
        if as_of is not None and person.as_of is None:
            screen.tell(f"{self.directory.why}: who may do what is as it said at {as_of:%Y-%m-%d %H:%M:%S} UTC.")
        return replace(person, as_of=as_of)


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """Open everything, and close it in order; a run that this process has in hand is seen to first.

    Raises:
        SettingsError: the settings or the targets are wrong, or there is no ledger.
        LedgerError: the ledger cannot be used.
    """
    logging.basicConfig(handlers=[screen.Warnings(logging.WARNING)])
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # What it has to say is in the errors that it raises.
    settings = load_settings()
    fleet = load_targets(settings.targets_file)
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(existing_ledger(), upgrades=False)
        stack.push_async_callback(ledger.aclose)
        memory = Memory(ledger)
        slack = await _slack(stack, settings, memory)
        good_for = timedelta(hours=settings.people_hours)
        directory = TerminalDirectory(slack, await ledger.people.heard(), good_for)
        policy = Policy(fleet, directory)
        desk = Desk(ledger, fleet, connect, policy, terms=settings.terms(begins_at_once=False))
        stack.push_async_callback(desk.aclose, PATIENCE_S)
        yield Office(settings, fleet, ledger, policy, desk, directory, memory)


async def _slack(stack: AsyncExitStack, settings: Settings, memory: Memory) -> Directory | None:
    if settings.slack_bot_token is None:
        return None
    from bot.slack.client import Introduction, new_session, web_client  # noqa: PLC0415 -- Only where it can be asked.
    from bot.slack.directory import SlackDirectory  # noqa: PLC0415

    session = await stack.enter_async_context(new_session())
    client = web_client(session, settings.slack_api_url, settings.slack_bot_token.get_secret_value())
    return SlackDirectory(client, Introduction(client), memory)
