"""Who is at a terminal: tokens are issued to colleagues in Slack, and each use of one asks again who they are."""

from __future__ import annotations

from datetime import timedelta

from actions.kit.errors import Refused, UsageError
from bot.ledger import Ledger, Person
from bot.ledger.tokens import Issued, Token
from bot.policy import Policy
from bot.render.words import duration, plain, quoted


class TokenDesk:
    """Issues tokens, knows their owners, and ends them.

    Args:
        ledger: where they are.
        policy: says who is a colleague.
        lasts: how long one lives, unless its owner asks for less.
    """

    def __init__(self, ledger: Ledger, policy: Policy, lasts: timedelta) -> None:
        self._tokens = ledger.tokens
        self._policy = policy
        self._lasts = lasts

    async def issue(self, person: Person, hours: str = "") -> Issued:
        """A new token for this person; ``hours`` as they typed it, or empty.

        Raises:
            UsageError: the hours are no number, or more than a token may live.
            Refused: this person may not have one, or has too many.
        """
        lasts = self._span(hours)
        no = await self._policy.may_hold_a_token(person.id)
        if no is not None:
            raise Refused(f"No token was issued. {no}")
        return await self._tokens.issue(person, lasts)

    async def owner(self, secret: str) -> Token:
        """Whose token this is, as somebody who is a colleague now.

        Raises:
            SettingsError: it is not formed like a token.
            Refused: it is unknown, expired or revoked, or its owner is gone.
        """
        token = await self._tokens.use(secret)
        no = await self._policy.may_hold_a_token(token.person.id)
        if no is not None:
            why = f"Your token is of no use. {no}"
            await self._tokens.refuse(token, why)
            raise Refused(why)
        return token

    async def revoke(self, person: Person, token_id: str | None = None) -> tuple[str, ...]:
        """End all live tokens of this person, or one of theirs; returns the ids of those that were ended.

        Raises:
            UsageError: they have no live token of this id.
        """
        return await self._tokens.revoke(person, token_id)

    async def of(self, person: Person) -> tuple[Token, ...]:
        """The live tokens of this person, the newest first."""
        return await self._tokens.of(person.id)

    def _span(self, hours: str) -> timedelta:
        most = duration(self._lasts.total_seconds())
        try:
            span = timedelta(hours=float(hours)) if hours else self._lasts
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{quoted(hours)} is no number of hours; a token lives at most {most}.") from error
        if not timedelta(minutes=1) <= span <= self._lasts:
            raise UsageError(
                f"A token lives from a minute to {most} here; --hours {plain(hours, 20)} is outside of that."
            )
        return span
