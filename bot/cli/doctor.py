"""``tandem doctor`` in a terminal: settings, Slack, people, targets and ledger, each looked at and left alone."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from actions.adapters import connect
from actions.kit.errors import SettingsError
from actions.registry import ACTIONS
from bot.checkup import people, servers
from bot.checkup.checks import Check, State, as_json, worst
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.records import existing_ledger
from bot.policy import Policy
from bot.settings import Settings, load_settings
from bot.targets import load_targets

if TYPE_CHECKING:
    from bot.directory import Human
    from bot.fleet import Fleet

SETTINGS = "settings"
_EXITS = {State.OK: Exit.AS_IT_SHOULD_BE, State.WARNING: Exit.AS_IT_SHOULD_BE}
_EXITS |= {State.FAULT: Exit.FAILED, State.UNKNOWN: Exit.UNDETERMINED}


def doctor(*, as_program: bool) -> Exit:
    """Check everything and tell it; the exit code is that of the worst.

    Raises:
        SettingsError: the settings or targets.yaml cannot be read: nothing else can be looked at then.
    """
    settings = load_settings()
    fleet = load_targets(settings.targets_file)
    with screen.working("Looking at everything"):
        checks = asyncio.run(_all(settings, fleet))
    if as_program:
        screen.show_json(as_json(checks))
    else:
        from bot.render.checkup import table

        screen.show(table(checks))
    return _EXITS[worst(checks)]


async def _all(settings: Settings, fleet: Fleet) -> tuple[Check, ...]:
    checks = [Check(SETTINGS, State.WARNING, note) for note in fleet.notes]
    checks.append(Check(SETTINGS, State.OK, f"{settings.targets_file} and the environment can be read."))
    by_target = asyncio.gather(*(servers.target(one, connect) for one in fleet.targets.values()))
    checks += [one async for one in _slack_and_people(settings, fleet)]
    checks += await _ledger()
    return (*checks, *(check for each in await by_target for check in each))


async def _slack_and_people(settings: Settings, fleet: Fleet) -> AsyncIterator[Check]:
    from bot.slack.checkup import SLACK, look
    from bot.slack.client import Introduction, new_session, web_client
    from bot.slack.directory import SlackDirectory

    try:
        settings.check_slack()
    except SettingsError as error:
        yield Check(SLACK, State.UNKNOWN, f"{error} Slack was not asked, nor who can approve.")
    if settings.slack_bot_token is None:
        return
    async with new_session() as session:
        client = web_client(session, settings.slack_api_url, settings.slack_bot_token.get_secret_value())
        async for check in look(client, settings):
            yield check
        policy = Policy(fleet, SlackDirectory(client, Introduction(client), _Forgetful()))
        for target in fleet.targets.values():
            for check in await people.approvals(target, ACTIONS, policy):
                yield check


async def _ledger() -> tuple[Check, ...]:
    from bot.checkup.ledger import LEDGER, look

    try:
        url = existing_ledger()
    except SettingsError as error:
        return (Check(LEDGER, State.WARNING, str(error), "The first tandem serve makes it."),)
    return await look(url)


class _Forgetful:
    """Writes nothing down of what Slack says: here nothing is changed."""

    def person(self, human: Human) -> None:
        """See ``bot.slack.ports.Memory``."""

    def group(self, group_id: str, members: tuple[str, ...]) -> None:
        """See ``bot.slack.ports.Memory``."""
