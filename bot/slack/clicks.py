"""Carries out the buttons of cards and the forms that they open. A decision is stored before it is acked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from actions.kit.errors import TandemError
from actions.kit.settlement import Answer
from bot.ledger.agenda import Place
from bot.ledger.outbox import Outbox
from bot.ledger.records import Decided, Request, RequestState
from bot.render.blocks import Message, notice, spoken
from bot.render.blocks_menu import View, answer_form, approval_form, denial_form, details_form, waiting_form
from bot.render.blocks_request import outcome
from bot.render.blocks_review import review_form
from bot.slack.caller import Caller
from bot.slack.faults import explain
from bot.slack.messages import Messages
from bot.slack.ports import Desk
from bot.slack.tasks import Tasks

STORED_WITHIN_S = 2.0
"""Slack waits 3 s for the ack; a decision that takes longer is answered by a message."""
_COPY = "This was posted twice; what counts is the other message in this channel."


@dataclass(frozen=True, slots=True)
class _Late:
    """What nobody can do any more once a request is decided."""

    request_id: str
    verb: str


@dataclass(frozen=True, slots=True)
class Clicks:
    """What a person can press on a card."""

    desk: Desk
    messages: Messages
    outbox: Outbox
    tasks: Tasks

    async def approve(self, ack: AsyncAck, caller: Caller, request_id: str) -> None:
        """Count an approval, then ack, then say whether it counts."""
        await self._decide(ack, caller, self.desk.approve(request_id, caller.person))

    async def withdraw(self, ack: AsyncAck, caller: Caller, request_id: str) -> None:
        """Take one's own request back, then ack, then say whether it is."""
        await self._decide(ack, caller, self.desk.withdraw(request_id, caller.person))

    async def cancel(self, ack: AsyncAck, caller: Caller, request_id: str) -> None:
        """Have a run stop before its next step, then ack, then say whether it does."""
        await self._decide(ack, caller, self.desk.cancel(request_id, caller.person), of="run")

    async def answer(self, ack: AsyncAck, caller: Caller, answer: Answer, value: str) -> None:
        """Tell a run that asks how it goes on, then ack, then say whether that counts."""
        request_id, _, asked_at = value.partition(" ")
        told = self.desk.answer(request_id, caller.person, answer, datetime.fromisoformat(asked_at))
        await self._decide(ack, caller, told, of="run")

    async def ask_why_not(self, ack: AsyncAck, caller: Caller, request_id: str, trigger_id: str) -> None:
        """Open the form that asks for a reason; tell there if it is too late already."""
        await self._open(ack, caller, trigger_id, denial_form(request_id), _Late(request_id, "deny"))

    async def ask_for_name(self, ack: AsyncAck, caller: Caller, request_id: str, trigger_id: str) -> None:
        """Open the form that asks for the name of the target; tell there if it is too late already."""
        await self._open(ack, caller, trigger_id, approval_form(request_id), _Late(request_id, "approve"))

    async def ask_for_note(self, ack: AsyncAck, request_id: str, trigger_id: str) -> None:
        """Open the form that a review is signed with."""
        opening = self.messages.client.views_open(trigger_id=trigger_id, view=review_form(request_id))
        await asyncio.gather(ack(), opening)

    async def deny(self, ack: AsyncAck, caller: Caller, request_id: str, reason: str) -> None:
        """Count a denial, then ack: the form closes, or says why it does not count."""
        await self._submit(ack, caller, "Deny", "Not denied", self.desk.deny(request_id, caller.person, reason))

    async def approve_typed(self, ack: AsyncAck, caller: Caller, request_id: str, typed: str) -> None:
        """Count an approval with the name that was typed, then ack: as ``deny``."""
        decision = self.desk.approve(request_id, caller.person, typed)
        await self._submit(ack, caller, "Approve", "Not approved", decision)

    async def sign(self, ack: AsyncAck, caller: Caller, request_id: str, note: str) -> None:
        """Close a review, then ack: as ``deny``."""
        await self._submit(ack, caller, "Sign", "Not signed", self.desk.reviews.sign(request_id, caller.person, note))

    async def details(self, ack: AsyncAck, request_id: str, trigger_id: str) -> None:
        """Open a form at once, read, fill it."""
        opening = self.messages.client.views_open(trigger_id=trigger_id, view=waiting_form())
        _, opened = await asyncio.gather(ack(), opening)
        try:
            view: dict[str, Any] = details_form(await self.desk.show(request_id))
        except TandemError as error:
            view = _form_of(explain(error, f"details {request_id}"))
        await self.messages.client.views_update(view_id=opened["view"]["id"], view=view)

    async def _open(self, ack: AsyncAck, caller: Caller, trigger_id: str, form: View, late: _Late) -> None:
        opening = self.messages.client.views_open(trigger_id=trigger_id, view=form)
        _, opened = await asyncio.gather(ack(), opening)
        request = await self.desk.show(late.request_id)
        if request.state is not RequestState.WAITING:
            over = outcome(request) or f"It is {request.state}."
            answer = answer_form("Too late", f"Nobody can {late.verb} this any more.\n{over}")
            await self.messages.client.views_update(view_id=opened["view"]["id"], view=answer)
            await self._mend(caller, request)

    async def _submit(
        self, ack: AsyncAck, caller: Caller, title: str, no: str, decision: Coroutine[Any, Any, Decided]
    ) -> None:
        deciding = self.tasks.start(decision)
        await asyncio.wait({deciding}, timeout=STORED_WITHIN_S)
        if not deciding.done():
            later = answer_form(title, "This takes longer than it should; the answer comes as a message.")
            await ack(response_action="update", view=later)
            await self._answer(caller, await deciding)
            return
        try:
            decided = deciding.result()
        except Exception as error:  # noqa: BLE001 -- The person is told, the rest is logged.
            await ack(response_action="update", view=_form_of(explain(error, title.lower())))
            return
        if decided.ok:
            await ack()
            return
        await ack(response_action="update", view=answer_form(no, spoken(decided.why)))
        await self._mend(caller, decided.request)

    async def _decide(
        self, ack: AsyncAck, caller: Caller, decision: Coroutine[Any, Any, Decided], of: str = "card"
    ) -> None:
        deciding = self.tasks.start(decision)
        await asyncio.wait({deciding}, timeout=STORED_WITHIN_S)
        await ack()
        await self._answer(caller, await deciding, of)

    async def _answer(self, caller: Caller, decided: Decided, of: str = "card") -> None:
        sign = ":white_check_mark:" if decided.ok else ":no_entry:"
        await caller.reply.whisper(notice(f"{sign} {spoken(decided.why)}"))
        await self._mend(caller, decided.request, of)

    async def _mend(self, caller: Caller, request: Request, of: str = "card") -> None:
        """Take the buttons away that nobody can use any more; those of a copy, whenever somebody tries.

        ``of``: whether they are those of the card or of the run.
        """
        key = f"{of}:{request.id}"
        over = request.state is not RequestState.WAITING
        place = await (self.outbox.refresh(key) if over else self.outbox.place(key))
        if caller.alone and over:
            await caller.reply.replace(notice(outcome(request) or f"It is {request.state}."))
        if caller.alone:
            return
        if caller.channel is None or caller.message_ts is None or place is None:
            return
        if place != Place(caller.channel, caller.message_ts):
            await self.messages.update(caller.channel, caller.message_ts, notice(_COPY))


def _form_of(message: Message) -> dict[str, Any]:
    return answer_form("Not done", message.text)
