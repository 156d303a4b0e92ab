"""Shows requests and runs in their channels. Never keeps a run waiting: each call returns at once, Slack comes after.

Two messages a request: the card, which ends with who decided what and when, and the message of the run, which is
updated in place. The ledger remembers the one that still changes, so that another process can go on with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from bot.ledger.records import Person, Request, RequestState
from bot.policy import Eligibility
from bot.render.blocks import Message, notice
from bot.render.blocks_request import card, decided_card, drifted, who
from bot.render.blocks_run import progress, transcript
from bot.render.words import code, mrkdwn
from bot.slack.live import Budget, LiveMessage
from bot.slack.messages import CannotPost, Messages
from bot.slack.ports import Bookmarks
from bot.slack.tasks import Tasks

log = logging.getLogger(__name__)

OPEN_STATES = (RequestState.WAITING,)


class SlackView:
    """``bot.requests.View`` in Slack. Its calls for one request are shown in their order."""

    def __init__(self, messages: Messages, bookmarks: Bookmarks, budget: Budget | None = None) -> None:
        self._messages, self._bookmarks = messages, bookmarks
        self._budget = budget or Budget()
        self._tasks = Tasks()
        self._order: dict[str, asyncio.Lock] = {}
        self._cards: dict[str, LiveMessage] = {}
        self._runs: dict[str, LiveMessage] = {}
        self._unseen: dict[str, CannotPost] = {}

    async def requested(self, request: Request, eligibility: Eligibility) -> None:
        """Post the card; this one is waited for, since the requester is told where it cannot be."""
        if request.channel is None:
            return
        shown = card(request, eligibility) if request.state in OPEN_STATES else decided_card(request)
        try:
            place = await self._messages.post(request.channel, shown)
        except CannotPost as error:
            self._unseen[request.id] = error
            return
        self._cards[request.id] = self._live(request, place, is_card=True)
        await self._bookmarks.remember_message(request.id, *place)

    def why_unseen(self, request_id: str) -> CannotPost | None:
        """Why the card of this request could not be posted; ``None`` where it was."""
        return self._unseen.pop(request_id, None)

    async def decided(self, request: Request) -> None:
        """Replace the buttons by who, what and when, once nobody can decide any more; tell the requester."""
        self._soon(request, self._decided(request))

    async def progressed(self, request: Request) -> None:
        """Bring the message of the run up to date."""
        self._soon(request, self._progressed(request))

    async def ended(self, request: Request) -> None:
        """Show the end, and put the transcript into the thread."""
        self._soon(request, self._ended(request))

    async def drifted(self, request: Request, difference: tuple[str, ...]) -> None:
        """Say that the approval is void and what is different."""
        self._soon(request, self._drifted(request, difference))

    async def expired(self, request: Request) -> None:
        """Take the buttons away."""
        self._soon(request, self._decided(request))

    async def told(self, person: Person, text: str) -> None:
        """Tell a person directly; who has no account in Slack reads it elsewhere."""
        if who(person).startswith("<@"):
            self._tasks.start(self._shielded(self._messages.direct(person.id, notice(mrkdwn(text)))))

    def refresh(self, request: Request) -> None:
        """Bring a card up to date whose buttons were pressed too late."""
        if request.state not in OPEN_STATES:
            self._soon(request, self._show_card(request))

    async def aclose(self) -> None:
        """Send what is still to be sent."""
        await self._tasks.aclose()

    def _soon(self, request: Request, work: Coroutine[Any, Any, None]) -> None:
        lock = self._order.setdefault(request.id, asyncio.Lock())
        self._tasks.start(self._in_turn(lock, work))

    async def _in_turn(self, lock: asyncio.Lock, work: Coroutine[Any, Any, None]) -> None:
        async with lock:
            await self._shielded(work)

    async def _shielded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CannotPost as error:
            log.warning("not shown in Slack", extra={"error": error.code})
        except Exception:
            log.exception("not shown in Slack")

    async def _decided(self, request: Request) -> None:
        await self._show_card(request)
        if request.denial is not None:
            await self._mention(
                request,
                f"{who(request.requester)}: {code(request.id)} was denied by "
                f"{who(request.denial.person)}: {mrkdwn(request.denial.reason, 500) or 'no reason given'}",
            )
        elif request.state is RequestState.EXPIRED:
            await self._mention(request, f"{who(request.requester)}: {code(request.id)} has expired; nothing was done.")

    async def _show_card(self, request: Request) -> None:
        live = self._cards.get(request.id)
        if live is None and request.message is not None and request.id not in self._runs and request.run is None:
            place = (request.message.channel, request.message.ts)
            live = self._cards[request.id] = self._live(request, place, is_card=True)
        if live is not None:
            live.show(card(request) if request.state in OPEN_STATES else decided_card(request))

    async def _mention(self, request: Request, markup: str) -> None:
        """Tell the requester below the card; where there is none, directly."""
        live = self._cards.get(request.id)
        if live is None or live.gone:
            await self._direct(request, notice(markup))
        else:
            await self._messages.post(live.channel, notice(markup), thread_ts=live.ts)

    async def _progressed(self, request: Request) -> None:
        if request.run is None:
            return
        await self._show_run(request, progress(request, request.run))

    async def _ended(self, request: Request) -> None:
        if request.run is None:
            return
        last, told = progress(request, request.run), transcript(request, request.run)
        live = await self._show_run(request, last)
        if live is not None:
            await live.settled()
        if live is None or live.gone:
            await self._direct(request, last)
            return
        for reply in (told.message, *told.thread):
            await self._messages.post(live.channel, reply, thread_ts=live.ts)
        self._forget(request.id)

    async def _drifted(self, request: Request, difference: Sequence[str]) -> None:
        await self._show_card(request)
        if request.channel is not None:
            await self._messages.post_screen(request.channel, drifted(request, difference))

    async def _show_run(self, request: Request, message: Message) -> LiveMessage | None:
        """Show it in the message of the run: ours, the one that another process began, or a new one."""
        live = self._runs.get(request.id)
        if live is None and request.channel is None:
            return None
        if live is None and (request.id in self._cards or request.message is None):
            return await self._post_run(request, request.channel or "", message)
        if live is None and request.message is not None:
            live = self._live(request, (request.message.channel, request.message.ts), is_card=False)
        if live is not None:
            self._runs[request.id] = live
            live.show(message)
        return live

    async def _post_run(self, request: Request, channel: str, message: Message) -> LiveMessage:
        place = await self._messages.post(channel, message)
        await self._bookmarks.remember_message(request.id, *place)
        live = self._runs[request.id] = self._live(request, place, is_card=False)
        return live

    def _live(self, request: Request, place: tuple[str, str], *, is_card: bool) -> LiveMessage:
        async def moved(channel: str, ts: str) -> None:
            if not is_card or request.id not in self._runs:
                await self._bookmarks.remember_message(request.id, channel, ts)

        async def lost(error: CannotPost) -> None:
            told = f"{code(request.id)} can no longer be shown in its channel ({error.code}). It goes on all the same."
            await self._direct(request, notice(told))

        return LiveMessage(self._messages, self._budget, self._tasks, place, moved, lost)

    async def _direct(self, request: Request, message: Message) -> None:
        if who(request.requester).startswith("<@"):
            await self._messages.direct(request.requester.id, message)

    def _forget(self, request_id: str) -> None:
        for known in (self._cards, self._runs, self._order):
            known.pop(request_id, None)
