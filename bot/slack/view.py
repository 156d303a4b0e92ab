"""Shows requests and runs in their channels: ``bot.requests.View``, which is called in the background and in order.

Two messages a request: the card, which ends with who decided what and when, and the message of the run, which is
updated in place. The ledger remembers the one that still changes, so that another process can go on with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from actions.kit.topology import Target
from bot.ledger.records import Person, Request, RequestState
from bot.policy import Eligibility
from bot.render.blocks import Message, Screen, notice, spoken
from bot.render.blocks_request import card, decided_card, drifted, who
from bot.render.blocks_run import progress, transcript
from bot.render.words import code, mrkdwn
from bot.slack.live import Budget, LiveMessage
from bot.slack.messages import CannotPost, Messages
from bot.slack.ports import Bookmarks
from bot.slack.tasks import Tasks


class SlackView:
    """Every state of a request where its people see it."""

    def __init__(
        self,
        messages: Messages,
        bookmarks: Bookmarks,
        tasks: Tasks,
        targets: Mapping[str, Target],
        budget: Budget | None = None,
    ) -> None:
        self._messages, self._bookmarks, self._tasks, self._targets = messages, bookmarks, tasks, targets
        self._budget = budget or Budget()
        self._cards: dict[str, LiveMessage] = {}
        self._runs: dict[str, LiveMessage] = {}
        self._crowds: dict[str, Eligibility] = {}
        self._unseen: dict[str, CannotPost] = {}
        self._told_lost: set[str] = set()

    async def requested(self, request: Request, eligibility: Eligibility) -> None:
        """Post the card, and keep in mind why that does not go, for ``why_unseen``."""
        if request.channel is None:
            return
        self._crowds[request.id] = eligibility
        try:
            place = await self._messages.post(request.channel, self._card(request))
        except CannotPost as error:
            self._unseen[request.id] = error
            return
        self._cards[request.id] = self._live(request, place)
        await self._bookmarks.remember_message(request.id, *place)

    def why_unseen(self, request_id: str) -> CannotPost | None:
        """Why the card of this request could not be posted; ``None`` where it was."""
        return self._unseen.pop(request_id, None)

    async def decided(self, request: Request) -> None:
        """Replace the buttons by who, what and when, once nobody can decide any more; tell the requester."""
        self.refresh(request)
        if request.denial is not None:
            by, reason = who(request.denial.person), mrkdwn(request.denial.reason, 500) or "no reason given"
            await self._tell(request, f"{code(request.id)} was denied by {by}: {reason}")
            self._forget(request)
        elif request.withdrawal is not None:
            self._forget(request)
        elif request.state is RequestState.APPROVED:
            by = " and ".join(who(one.person) for one in request.approvals)
            await self._tell(
                request, f"{code(request.id)} was approved by {by}; it begins once a second look shows no change."
            )

    async def progressed(self, request: Request) -> None:
        """Bring the message of the run up to date."""
        if request.run is not None:
            await self._show_run(request, progress(request, request.run, self._environment(request)))

    async def ended(self, request: Request) -> None:
        """Show the end, and put the transcript into the thread."""
        if request.run is None:
            return
        last, told = progress(request, request.run, self._environment(request)), transcript(request, request.run)
        try:
            live = await self._show_run(request, last)
            if live is not None:
                await live.settled()
            if live is None or live.gone:
                await self._direct_whole(request, Screen(last, told.thread))
            else:
                for reply in (told.message, *told.thread):
                    await self._messages.post_late(live.channel, reply, thread_ts=live.ts)
        except CannotPost:
            await self._direct_whole(request, Screen(last, told.thread))
        finally:
            self._forget(request)

    async def drifted(self, request: Request, difference: tuple[str, ...]) -> None:
        """Say that the approval is void and what is different."""
        self.refresh(request)
        if request.channel is not None:
            await self._messages.post_screen(request.channel, drifted(request, difference))
        self._forget(request)

    async def expired(self, request: Request) -> None:
        """Take the buttons away, and tell the requester."""
        self.refresh(request)
        await self._tell(request, f"{code(request.id)} has expired; nothing was done.")
        self._forget(request)

    async def told(self, person: Person, text: str) -> None:
        """Tell a person directly; who has no account in Slack reads it elsewhere."""
        if who(person).startswith("<@"):
            await self._messages.direct(person.id, notice(spoken(text)))

    async def announced(self, channel: str, by: Person, text: str) -> None:
        """Say who did what, for all to see."""
        await self._messages.post_late(channel, notice(f"{who(by)} {mrkdwn(text)}"))

    def refresh(self, request: Request) -> None:
        """Show the card as it is now, also where another process has posted it."""
        live = self._cards.get(request.id)
        if live is None and request.message is not None and request.standing is request.state:
            live = self._live(request, (request.message.channel, request.message.ts))
            self._cards[request.id] = live
        if live is not None:
            live.show(self._card(request))

    def _card(self, request: Request) -> Message:
        environment = self._environment(request)
        if request.state is RequestState.WAITING:
            return card(request, environment, self._crowds.get(request.id))
        return decided_card(request, environment)

    def _environment(self, request: Request) -> str:
        target = self._targets.get(request.target)
        return target.environment if target else "no longer a target"

    async def _show_run(self, request: Request, message: Message) -> LiveMessage | None:
        """Show it in the message of the run: ours, the one that another process began, or a new one."""
        live = self._runs.get(request.id)
        if live is None and request.channel is None:
            return None
        if live is None and (request.id in self._cards or request.message is None):
            return await self._post_run(request, request.channel or "", message)
        if live is None and request.message is not None:
            live = self._live(request, (request.message.channel, request.message.ts))
        if live is not None:
            self._runs[request.id] = live
            live.show(message)
        return live

    async def _post_run(self, request: Request, channel: str, message: Message) -> LiveMessage:
        place = await self._messages.post(channel, message)
        await self._bookmarks.remember_message(request.id, *place)
        live = self._runs[request.id] = self._live(request, place)
        return live

    async def _tell(self, request: Request, markup: str) -> None:
        """Tell the requester below the card; where there is none, directly."""
        live = self._cards.get(request.id)
        if live is None or live.gone:
            await self._direct(request, notice(markup))
        else:
            told = notice(f"{who(request.requester)}: {markup}")
            await self._messages.post_late(live.channel, told, thread_ts=live.ts)

    def _live(self, request: Request, place: tuple[str, str]) -> LiveMessage:
        async def moved(channel: str, ts: str) -> None:
            newest = self._runs.get(request.id) or self._cards.get(request.id)
            if newest is live:
                await self._bookmarks.remember_message(request.id, channel, ts)

        async def lost(error: CannotPost) -> None:
            if request.id in self._told_lost:
                return
            self._told_lost.add(request.id)
            why = f"{code(request.id)} can no longer be shown in its channel ({error.code}); what runs goes on."
            await self._direct(request, notice(why))

        live = LiveMessage(self._messages, self._budget, self._tasks, place, moved, lost)
        return live

    async def _direct(self, request: Request, message: Message) -> None:
        if who(request.requester).startswith("<@"):
            await self._messages.direct(request.requester.id, message)

    async def _direct_whole(self, request: Request, screen: Screen) -> None:
        """The end with its transcript, where the channel takes nothing."""
        if who(request.requester).startswith("<@"):
            await self._messages.post_screen(request.requester.id, screen)

    def _forget(self, request: Request) -> None:
        """The last state of a card may still be on its way; its message keeps itself alive until then."""
        self._cards.pop(request.id, None)
        self._runs.pop(request.id, None)
        self._crowds.pop(request.id, None)
        self._told_lost.discard(request.id)
