"""What ``tandem doctor`` asks Slack: the tokens, the app's rights, its clock. Nothing is posted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.checkup.checks import Check, State
from bot.checkup.servers import clock_of
from bot.render.words import listed
from bot.settings import Settings
from bot.slack.client import code_of

SLACK = "Slack"
SCOPES = frozenset({"commands", "chat:write", "files:write", "users:read", "usergroups:read", "im:write"})
"""The rights that manifest.yml asks for."""
TO_FIND = frozenset({"channels:history", "groups:history"})
"""May be added, so that a message is looked for after a crash."""
_FAILURES = (SlackApiError, ClientError, TimeoutError, OSError)


async def look(client: AsyncWebClient, settings: Settings) -> AsyncIterator[Check]:
    """Ask with both tokens."""
    try:
        answer = await client.auth_test()
    except _FAILURES as error:
        yield Check(
            SLACK, State.FAULT, f"The bot token is not accepted: {code_of(error)}.", "See TANDEM_SLACK_BOT_TOKEN."
        )
        return
    yield Check(SLACK, State.OK, f"The bot token is that of {answer['user']} in {answer['team']}.")
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    yield _scopes(headers.get("x-oauth-scopes"))
    if "date" in headers:
        yield clock_of(parsedate_to_datetime(headers["date"]), SLACK)
    yield await _way_in(client, settings)


def _scopes(told: str | None) -> Check:
    if told is None:
        return Check(SLACK, State.UNKNOWN, "Slack did not tell which rights the app has.")
    has = frozenset(one.strip() for one in told.split(",") if one.strip())
    if missing := sorted(SCOPES - has):
        do = "Install the app again from its newest manifest.yml."
        return Check(SLACK, State.FAULT, f"The app lacks {listed(missing)}.", do)
    if more := sorted(has - SCOPES - TO_FIND):
        said = f"The app has rights that Tandem never uses: {listed(more)}."
        return Check(SLACK, State.WARNING, said, "Take them away under OAuth & Permissions.")
    return Check(SLACK, State.OK, "The app has the rights that Tandem uses, and no more.")


async def _way_in(client: AsyncWebClient, settings: Settings) -> Check:
    """Whether commands and clicks can reach us."""
    if settings.slack_app_token is None:
        said = "Signed HTTP at /slack/events: only a request from Slack shows whether the signing secret is right."
        return Check(SLACK, State.UNKNOWN, said, "Type /redis help there while tandem serve runs.")
    try:
        await client.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except _FAILURES as error:
        said = f"The app-level token is not accepted: {code_of(error)}."
        return Check(SLACK, State.FAULT, said, "It needs connections:write, and Socket Mode has to be on.")
    return Check(SLACK, State.OK, "The app-level token opens connections (Socket Mode).")
