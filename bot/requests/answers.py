"""What a person may tell a run: to stop, or how to go on. Who may is decided here, whether it counts in the ledger.

What destroys takes a second person again: an approver resumes, the requester alone does not. Whoever asked for the
run, and whoever may approve it, can stop it, have it rolled back or give it up.
"""

from __future__ import annotations

from datetime import datetime

from actions.kit.settlement import Answer
from bot.ledger import Decided, Ledger, Person, Request, RunState
from bot.policy import Policy, case_of


class Answers:
    """Takes what people say to runs."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._ledger = ledger
        self._policy = policy

    async def answer(self, request_id: str, person: Person, answer: Answer, asked_at: datetime | None) -> Decided:
        """See ``Desk.answer``."""
        request = await self._ledger.request(request_id)
        why_not = await self._why_not(request, person, answer)
        return await self._ledger.questions.answer(request.id, person, answer, asked_at, why_not)

    async def cancel(self, request_id: str, person: Person) -> Decided:
        """See ``Desk.cancel``."""
        request = await self._ledger.request(request_id)
        own = person.id == request.requester.id
        why_not = None if own else await self._policy.may_approve(case_of(request), person.id, request.requester.id)
        return await self._ledger.stops.cancel(request.id, person, why_not)

    async def _why_not(self, request: Request, person: Person, answer: Answer) -> str | None:
        """Why this person may not say this; ``None`` where they may, or nothing is asked."""
        if request.run is None or request.run.state is not RunState.ASKING or request.run.question is None:
            return None
        destroys = answer is Answer.RESUME and request.run.question.destroys
        own = person.id == request.requester.id
        if own and destroys:
            return (
                f"You asked for {request.id} yourself: to resume it a second person has to say so. "
                "You can have it rolled back or abandon it."
            )
        return None if own else await self._policy.may_approve(case_of(request), person.id, request.requester.id)
