"""Who people are, as Slack says: what is asked, and what an answer holds. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actions.kit.errors import TandemError


class LookupFailed(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Slack could not be asked about a person or a group, or does not know them; the message says why."""


class SlackSilent(LookupFailed):
    """Slack gave no answer that means anything: what it said earlier may still be so."""


@dataclass(frozen=True, slots=True)
class Human:
    """What Slack says about a user. ``is_external``: of another workspace (Slack Connect, stranger)."""

    id: str
    name: str
    is_bot: bool = False
    is_guest: bool = False
    is_external: bool = False
    is_deleted: bool = False


class Directory(Protocol):
    """Who is who. Both raise ``LookupFailed``."""

    async def user(self, user_id: str) -> Human:
        """One user, as of now."""

    async def group_members(self, group_id: str) -> tuple[str, ...]:
        """The user ids in a user group, as of now."""
