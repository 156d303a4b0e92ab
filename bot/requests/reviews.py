"""The reviews of what ran without approval: who may sign them, and when they are asked for again."""

from __future__ import annotations

from datetime import timedelta

from actions.kit.errors import UsageError
from bot.ledger import Decided, Ledger, Person, Request
from bot.ledger.reviews import why_not_signed
from bot.policy import Policy, case_of
from bot.vocabulary import MAX_REASON


class ReviewDesk:
    """The desk has one, as ``desk.reviews``.

    Args:
        ledger: where they are kept.
        policy: who may sign: whoever might have approved.
        every: after how long an open one is asked for again.
    """

    def __init__(self, ledger: Ledger, policy: Policy, every: timedelta) -> None:
        self._ledger = ledger
        self._policy = policy
        self._every = every

    async def unsigned(self) -> tuple[Request, ...]:
        """The requests whose review nobody has signed, the oldest first."""
        return await self._ledger.reviews.unsigned()

    async def sign(self, request_id: str, person: Person, note: str) -> Decided:
        """Close a review.

        Args:
            request_id: what ran.
            person: an approver who has not asked for it.
            note: what they found.

        Raises:
            UsageError: there is no such request; or it would count, and there is no note, or one that is too long.
            LedgerError: it could not be written down, and so does not count.
        """
        note = note.strip()
        request = await self._ledger.request(request_id)
        unsigned = request.review is not None and request.review.signed_at is None
        if unsigned and request.requester.id != person.id:
            why = await self._policy.may_approve(case_of(request), person.id, request.requester.id)
            if why is not None:
                await self._ledger.audit("review.sign", person, request.id, counts=False, note=note, answer=why)
                return Decided(ok=False, request=request, why=why)
        if why_not_signed(request, person) is None and not 0 < len(note) <= MAX_REASON:
            what = f'Say with --note "…" what you found in {request.id}, in at most {MAX_REASON} characters'
            raise UsageError(f"{what}: it closes the review, and stays in the audit.")
        return await self._ledger.reviews.sign(request.id, person, note)

    async def ask_for_due(self) -> None:
        """Have people asked for what has fallen due. Whom to ask is looked up; where that fails nobody is named."""
        for request in await self._ledger.reviews.due():
            eligible = await self._policy.eligibility(case_of(request), request.requester.id)
            await self._ledger.reviews.ask_for(request, eligible.active, self._every)
