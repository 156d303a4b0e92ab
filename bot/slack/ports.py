"""What Slack needs of the rest of the bot, as narrow as it is used. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from actions.kit.action import Action, Progress, Seen
from actions.kit.plan import Refusal
from actions.kit.settlement import Answer
from bot.directory import Human
from bot.fleet import Case
from bot.ledger.chain import AuditCheck, AuditRow
from bot.ledger.records import Decided, Freeze, Person, Request
from bot.ledger.tokens import Issued


class Locks(Protocol):
    """Freezes and cooldowns; ``bot.requests.locks.Locks``. Each answers with a sentence for the person."""

    async def freeze(self, target: str, person: Person, reason: str, channel: str | None = None) -> str:
        """Let nothing that changes begin on a target, or on any (``*``)."""

    async def thaw(self, target: str, person: Person, reason: str = "", channel: str | None = None) -> str:
        """End a freeze, and the cooldown that a target is in."""

    async def frozen(self, target: str | None = None) -> tuple[Freeze, ...]:
        """The freezes that count for a target; without a name, every one."""


class Reviews(Protocol):
    """Reviews of what ran without approval; ``bot.requests.reviews.ReviewDesk``."""

    async def unsigned(self) -> tuple[Request, ...]:
        """The requests whose review is open."""

    async def sign(self, request_id: str, person: Person, note: str) -> Decided:
        """Close a review; the answer says whether it is."""


class TokenDesk(Protocol):
    """Tokens for terminals; ``bot.requests.tokens``. Both raise ``TandemError``s with a sentence for the person."""

    async def issue(self, person: Person, hours: str = "") -> Issued:
        """A new token."""

    async def revoke(self, person: Person, token_id: str | None = None) -> tuple[str, ...]:
        """End all live tokens of this person, or one."""


class Desk(Protocol):
    """The life of requests; ``bot.requests.Desk``. All raise ``TandemError``s with a sentence for the person."""

    @property
    def tokens(self) -> TokenDesk:
        """The tokens of people at terminals."""

    @property
    def reviews(self) -> Reviews:
        """The reviews of what ran without approval."""

    @property
    def locks(self) -> Locks:
        """Freezes and cooldowns."""

    async def look(self, action: str, target: str, options: Mapping[str, str], progress: Progress) -> Seen:
        """Look at a target."""

    async def ask(
        self,
        action: str,
        target: str,
        options: Mapping[str, str],
        requester: Person,
        channel: str | None = None,
        reason: str = "",
        *,
        break_glass: bool = False,
    ) -> Request | Refusal:
        """Plan and file a request, or say why not."""

    async def undo(
        self,
        request_id: str,
        requester: Person,
        channel: str | None = None,
        reason: str = "",
        *,
        break_glass: bool = False,
    ) -> Request | Refusal:
        """File a request that puts back what this one has set, or say why not."""

    async def approve(self, request_id: str, person: Person, typed: str = "") -> Decided:
        """Count an approval; the answer says whether it does."""

    async def deny(self, request_id: str, person: Person, reason: str) -> Decided:
        """Count a denial; the answer says whether it does."""

    async def withdraw(self, request_id: str, person: Person) -> Decided:
        """Take one's own request back; the answer says whether it was."""

    async def cancel(self, request_id: str, person: Person) -> Decided:
        """Have a run stop before its next step; the answer says whether it does."""

    async def answer(
        self, request_id: str, person: Person, answer: Answer, asked_at: datetime | None = None
    ) -> Decided:
        """Tell a run that asks how it goes on; the answer says whether it counts."""

    async def show(self, request_id: str) -> Request:
        """One request."""

    async def timeline(self, request_id: str) -> tuple[tuple[AuditRow, ...], AuditCheck]:
        """What the audit tells of one request, and whether all of it is in order."""

    async def audited(self) -> AuditCheck:
        """Whether the audit is in order."""

    async def runs(self, limit: int = 20, target: str | None = None) -> tuple[Request, ...]:
        """The newest requests, the newest first."""

    async def waiting_beside(self, request: Request) -> str:
        """Which other requests about the same target wait for approval; empty where none does."""


class Rights(Protocol):
    """Who may do what; ``bot.policy.Policy``. ``None`` is yes, else a sentence says why not."""

    async def may_use(
        self, person_id: str, action: Action, channel: str | None, target_name: str | None = None
    ) -> str | None:
        """Ask for an action."""

    async def may_break_glass(self, case: Case, person_id: str) -> str | None:
        """Have a change without approval."""

    async def may_approve(self, case: Case, person_id: str, requester_id: str) -> str | None:
        """Decide on a request."""

    async def may_freeze(self, person_id: str, targets: Iterable[str], channel: str | None = None) -> str | None:
        """Freeze all of these."""

    async def may_thaw(self, person_id: str, targets: Iterable[str], channel: str | None = None) -> str | None:
        """End freezes and cooldowns of all of these."""

    async def may_see_names(self, person_id: str, target: str, channel: str | None = None) -> str | None:
        """See names of keys."""

    async def may_hold_a_token(self, person_id: str) -> str | None:
        """Have a token for the terminal."""


class Memory(Protocol):
    """Keeps what Slack says of people, for when it cannot be asked; ``bot.people.Memory``. Neither waits."""

    def person(self, human: Human) -> None:
        """Slack has just said this of a user."""

    def group(self, group_id: str, members: tuple[str, ...]) -> None:
        """Slack has just named the members of a user group."""
