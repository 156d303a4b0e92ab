"""Sends what the outbox holds: each message is posted once, and shows the newest state soon after.

It wakes at once for what this process commits, and looks every second for what others did. Slack's failures cost
nothing but time: what was not taken is due again later, in the state that it has then.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator

from bot import logs
from bot.fleet import Fleet
from bot.ledger import LedgerError, Request
from bot.ledger.agenda import Due, Entry, Place
from bot.ledger.messages import TARGET, Want
from bot.ledger.outbox import Outbox
from bot.render.blocks import Message, Screen
from bot.render.shown import Shown, screen
from bot.slack.messages import CannotPost, Messages
from bot.waiting import within

log = logging.getLogger(__name__)

POLL_S = 1.0
REST_S = 1.5
LONGEST_REST_S = 60.0
"""Between two updates of one message, times the number of messages that wait for one: those that wait now may be gone
long before so much time is over, so that no news waits longer."""
SEND_S = 20.0
"""A call to Slack takes no longer; less than a claim lasts."""
IN_HAND_S = 3.0
"""How long a call is left to its end when the process stops: one that is cut off may be made twice."""
AT_ONCE = 16
AFRESH_S = 0.25
"""While more is due than can be sent at once, what is due is read no more often: with a thousand that is most of the
work. Whoever claims a message learns whether it still is."""
MAX_PAUSE_S = 30.0
SKEW_S = 60.0


class Sender:
    """One for each process that has Slack.

    Args:
        outbox: what to send.
        load: finds a request.
        messages: how to send; a client that tries nothing again by itself.
        fleet: which channels a target is bound to.
        rest_s: see ``REST_S``.
        poll_s: how often to look for what other processes wrote, in seconds.
        prompted: is told how old an incident was when its first message stood, in seconds.
    """

    def __init__(
        self,
        outbox: Outbox,
        load: Callable[[str], Awaitable[Request]],
        messages: Messages,
        fleet: Fleet,
        *,
        rest_s: float = REST_S,
        poll_s: float = POLL_S,
        prompted: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._prompted = prompted
        self._outbox, self._load, self._messages, self._fleet = outbox, load, messages, fleet
        self._rest_s, self._poll_s = rest_s, poll_s
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, float] = {}
        self._updates = 0
        self._due: list[Due] = []
        self._next_s: float | None = None
        self._read_at = float("-inf")
        self._troubled = False
        self._until: float | None = None
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._run())

    async def aclose(self, grace_s: float = 5.0) -> None:
        """Send what can be sent within this time, and end what is in hand; the next process goes on with the rest."""
        if self._loop is None:
            return
        self._until = asyncio.get_running_loop().time() + grace_s
        self._outbox.changed.set()
        await asyncio.wait([self._loop], timeout=grace_s)
        self._loop.cancel()
        in_hand = list(self._lanes.values())
        try:
            async with asyncio.timeout(IN_HAND_S):
                await asyncio.gather(self._loop, *in_hand, return_exceptions=True)
        except TimeoutError:  # The gathering was cancelled, and with it what it waited for.
            await asyncio.gather(*in_hand, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._outbox.changed.clear()
            try:
                wait_s = await self._round()
            except Exception as error:  # noqa: BLE001 -- Whatever it is, what waits must be sent once it is over.
                log.warning("the outbox cannot be read: %s", error)
                wait_s = self._poll_s
            if self._until is not None and not self._lanes and self._now() + wait_s > self._until:
                return
            await within(self._outbox.changed, min(wait_s, self._poll_s))

    async def _round(self) -> float:
        """Begin to send what is due; returns in how many seconds more is."""
        if not self._due or self._now() - self._read_at >= AFRESH_S:
            agenda = await self._outbox.agenda()
            self._due, self._updates, self._next_s = list(agenda.due), agenda.updates, agenda.next_s
            self._read_at = self._now()
            waits = [self._next_s if self._next_s is not None else float("inf")]
        else:
            waits = [AFRESH_S - (self._now() - self._read_at)]  # Something more urgent may have come meanwhile.
        left = []
        for due in self._due:
            held_s = self._held.get(due.channel, 0.0) - self._now()
            if held_s > 0:
                waits.append(held_s)
            elif due.lane not in self._lanes and len(self._lanes) < AT_ONCE:
                self._begin(due)
            else:
                left.append(due)
        self._due = left
        return max(0.0, min(waits))

    def _begin(self, due: Due) -> None:
        def ended(_task: asyncio.Task[None]) -> None:
            del self._lanes[due.lane]
            self._outbox.changed.set()

        task = asyncio.create_task(self._send(due))
        self._lanes[due.lane] = task
        task.add_done_callback(ended)

    async def _send(self, due: Due) -> None:
        try:
            entry = await self._outbox.claim(due)
            if entry is not None:
                with logs.about(request=entry.request_id, incident=_incident(entry)):
                    await self._deliver(entry)
        except LedgerError as error:  # The claim lapses.
            log.warning("what was sent could not be written down: %s", error)
            await asyncio.sleep(self._poll_s)
        except Exception:
            log.exception("a message could not be sent")
            await asyncio.sleep(self._poll_s)

    async def _deliver(self, entry: Entry) -> None:
        if entry.channel.startswith(TARGET):
            await self._outbox.spread(entry, self._fleet.channels_of(entry.channel.removeprefix(TARGET)))
            return
        if entry.homeless:
            await self._outbox.move(entry)
            return
        try:
            found = await self._screen(entry)
        except (LookupError, LedgerError) as error:  # Another version wrote it, and may be there to send it.
            log.warning("%s cannot be rendered: %s", entry.key, error)
            await self._outbox.later(entry, MAX_PAUSE_S)
            return
        if found is None:
            await self._outbox.give_up(entry, "outdated", unseen=False)
        else:
            await self._show(entry, found)

    async def _show(self, entry: Entry, found: Screen) -> None:
        began = self._now()
        try:
            async with asyncio.timeout(SEND_S):
                place = await self._put(entry, found.message)
        except TimeoutError:
            await self._failed(entry, doubtful=True)
        except CannotPost as error:
            await self._refused(entry, error)
        else:
            if _incident(entry) and entry.place is None:  # By the ledger's clock: ours may be another one.
                self._prompted(entry.claimed_at.timestamp() - entry.body["opened_at"] + self._now() - began)
            await self._stands(entry, place, found)

    async def _put(self, entry: Entry, message: Message) -> Place:
        if entry.place is not None:
            await self._messages.update(entry.place.channel, entry.place.ts, message)
            return entry.place
        channel = entry.thread.channel if entry.thread else entry.channel
        thread_ts = entry.thread.ts if entry.thread else None
        if entry.doubtful:
            since = entry.created_at.timestamp() - SKEW_S
            found = await self._messages.find(channel, entry.key, since, thread_ts)
            if found is not None:
                await self._messages.update(*found, message)
                return Place(*found)
        return Place(*await self._messages.post(channel, message, thread_ts, key=entry.key))

    async def _stands(self, entry: Entry, place: Place, found: Screen) -> None:
        updated = entry.place is not None
        rest_s = resting_s(self._rest_s, self._updates) if updated else 0.0
        then = tuple(_following(entry, found)) if not updated else ()
        while True:
            try:
                kept = await self._outbox.shown(entry, place, rest_s, then)
                break
            except LedgerError as error:  # It stands there: forgetting that would post it again.
                log.warning("where %s stands could not be written down: %s", entry.key, error)
                await asyncio.sleep(self._poll_s)
        if not kept and not updated:
            log.warning("%s was posted by another process meanwhile; ours is taken back", entry.key)
            await self._messages.delete(place.channel, place.ts)
        if self._troubled:
            self._troubled = False
            await self._outbox.hurry()

    async def _refused(self, entry: Entry, error: CannotPost) -> None:
        if error.code == "message_not_found" and entry.posts < 2:
            await self._outbox.missing(entry)
        elif error.for_good:
            log.warning("%s cannot be shown", entry.key, extra={"channel": entry.channel, "error": error.code})
            await self._outbox.give_up(entry, error.code)
        elif error.retry_after_s is not None:
            self._held[entry.channel] = self._now() + error.retry_after_s
            await self._outbox.later(entry, error.retry_after_s, failed=False)
        else:
            log.info("%s is tried again", entry.key, extra={"error": error.code})
            await self._failed(entry, doubtful=error.doubtful)

    async def _failed(self, entry: Entry, *, doubtful: bool) -> None:
        self._troubled = True
        pause = min(MAX_PAUSE_S, 0.5 * 2.0 ** min(entry.attempts, 10)) * random.uniform(0.8, 1.0)  # noqa: S311 -- Jitter.
        await self._outbox.later(entry, pause, doubtful=doubtful and entry.place is None)

    async def _screen(self, entry: Entry) -> Screen | None:
        if entry.request_id is None:
            return screen(Shown(entry.kind, entry.body))
        request = await self._load(entry.request_id)
        target = self._fleet.targets.get(request.target)
        environment = target.environment if target else "no longer a target"
        return screen(Shown(entry.kind, entry.body, request, environment))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def resting_s(rest_s: float, waiting: int) -> float:
    """How long a message rests while so many wait for an update."""
    return min(LONGEST_REST_S, rest_s * max(1, waiting))


def _incident(entry: Entry) -> str | None:
    """The id of the incident that a message is about."""
    return str(entry.body["id"]) if entry.kind == "incident" else None


def _following(entry: Entry, found: Screen) -> Iterator[Want]:
    """What belongs into the thread of a message, or goes on below it in the thread where it stands itself."""
    for number, message in enumerate(found.thread, 1):
        body = {"text": message.text, "blocks": list(message.blocks)}
        key, under = f"{entry.key}/{number}", entry.under or entry.key
        yield Want(key, "literal", entry.channel, entry.request_id, under, body)
