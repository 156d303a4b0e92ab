"""Who is who in a terminal: as Slack says now or, where it gives no answer, as the ledger remembers that it said.

What is remembered counts for so long and no longer; then nobody is anybody, as in a channel whose look-ups fail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from bot.directory import Directory, Human, LookupFailed, SlackSilent
from bot.ledger.people import Heard
from bot.render.words import duration

T = TypeVar("T")


class TerminalDirectory:
    """``bot.directory.Directory``, for the length of one command.

    Args:
        slack: asks Slack; ``None`` where there is no bot token here.
        heard: what the ledger remembers.
        good_for: how long that counts.

    ``as_of`` is when Slack said the oldest thing that was gone by because it gave no answer; ``None`` while it does.
    ``why`` says why it does not.
    """

    def __init__(self, slack: Directory | None, heard: Heard, good_for: timedelta) -> None:
        self.as_of: datetime | None = None
        self._slack = slack
        self._heard = heard
        self._good_for = good_for
        self.why = "Slack gives no answer" if slack else "TANDEM_SLACK_BOT_TOKEN is not set here, so Slack is not asked"

    async def user(self, user_id: str) -> Human:
        """One user.

        Raises:
            LookupFailed: Slack does not know them, or is silent and has not spoken of them lately.
        """
        return await self._ask(lambda slack: slack.user(user_id), self._heard.humans.get(user_id), user_id)

    async def group_members(self, group_id: str) -> tuple[str, ...]:
        """The user ids in a user group.

        Raises:
            LookupFailed: Slack does not know it, or is silent and has not spoken of it lately.
        """
        asked = self._heard.groups.get(group_id)
        return await self._ask(lambda slack: slack.group_members(group_id), asked, f"user group {group_id}")

    async def _ask(
        self, ask: Callable[[Directory], Awaitable[T]], remembered: tuple[T, datetime] | None, whom: str
    ) -> T:
        if self._slack is not None:
            try:
                return await ask(self._slack)
            except SlackSilent:
                self._slack = None  # It is not waited for again: the next answers would be as long in not coming.
        if remembered is None:
            raise LookupFailed(f"{self.why}, and the ledger does not know what it last said of {whom}.")
        answer, said_at = remembered
        if self._heard.now - said_at > self._good_for:
            bound = duration(self._good_for.total_seconds())
            raise LookupFailed(
                f"{self.why}, and what it last said of {whom} is of {said_at:%Y-%m-%d %H:%M} UTC, "
                f"longer ago than {bound} (TANDEM_PEOPLE_HOURS)."
            )
        self.as_of = min(said_at, self.as_of or said_at)
        return answer
