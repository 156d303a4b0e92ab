"""Carries out one typed command, or a button that stands for one; it is acked already."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from actions.diagnose import NAMES
from actions.kit.action import Action, ReadAction, Seen
from actions.kit.errors import Refused, TandemError, UsageError
from actions.kit.plan import Refusal
from actions.registry import by_name
from bot.fleet import Fleet
from bot.grammar import Command, parse
from bot.ledger.errors import LedgerError
from bot.ledger.records import Decided, Request, RequestState
from bot.policy import case_of
from bot.render.blocks import Screen, notice, spoken
from bot.render.blocks_audit import audited, timeline
from bot.render.blocks_charting import charted
from bot.render.blocks_compared import names_message
from bot.render.blocks_connecting import connected
from bot.render.blocks_findings import diagnosed, glance, happened, healthy_or_not, verified
from bot.render.blocks_locks import frozen, unknown
from bot.render.blocks_menu import Offer, help_on, help_on_word, help_page, menu, request_lines, request_shown
from bot.render.blocks_request import card, refused
from bot.render.happenings import with_runs
from bot.render.words import mrkdwn
from bot.slack.caller import Caller
from bot.slack.messages import CannotPost, Messages
from bot.slack.offers import offered
from bot.slack.pictures import Pictures
from bot.slack.ports import Desk, Rights
from bot.slack.tokens import token
from bot.vocabulary import WORDS

OWN_RUNS = 200
"""So many of Tandem's own runs are looked through for a time line."""
SLOW_S = 1.0
"""After this a person who waits is told what for."""

_PAGES: Mapping[str, Callable[[Seen, str, str], Screen]] = {
    "chart": charted,
    "connect": connected,
    "diagnose": diagnosed,
    "events": happened,
    "health": healthy_or_not,
    "verify": verified,
}

Progress = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Commands:
    """What a person can type."""

    desk: Desk
    fleet: Fleet
    policy: Rights
    actions: tuple[Action, ...]
    messages: Messages
    pictures: Pictures = field(default_factory=Pictures)

    async def run(self, caller: Caller, text: str) -> None:
        """Carry out one line.

        Raises:
            TandemError: what is wrong, in a sentence for the person.
        """
        targets = self.fleet.seen_from(caller.channel or "")
        default = targets[0] if len(targets) == 1 else None
        command = parse(text, self.actions, targets, default)
        if command.action is None:
            await self._word(caller, command)
        elif isinstance(command.action, ReadAction):
            await self._read(caller, command.action, command)
        else:
            await self._change(caller, command.action, command)

    async def offer(self, caller: Caller) -> Offer:
        """What this person may do here."""
        return await offered(self.policy, self.fleet, self.actions, caller.person.id, caller.channel or "")

    async def choose(self, caller: Caller, target: str) -> None:
        """Show the menu for another target, in place of the one before."""
        await caller.reply.replace(menu(await self.offer(caller), target))

    async def fleet_seen(self, names: tuple[str, ...]) -> list[tuple[str, str, Seen | str]]:
        """Name, environment and what was seen of each target; a sentence where nothing could be."""

        async def one(name: str) -> tuple[str, str, Seen | str]:
            environment = self.fleet.targets[name].environment
            try:
                return name, environment, await self.desk.look("status", name, {}, _quiet)
            except TandemError as error:
                return name, environment, str(error)

        return list(await asyncio.gather(*map(one, names)))

    async def frozen_notes(self) -> Mapping[str, str]:
        """Markup for each target that is frozen, or of which that cannot be said now."""
        try:
            freezes = await self.desk.locks.frozen()
        except LedgerError as error:
            return dict.fromkeys(self.fleet.targets, unknown(error))
        return {name: note for name in self.fleet.targets if (note := frozen(name, freezes))}

    async def _word(self, caller: Caller, command: Command) -> None:
        say = {
            "runs": self._runs,
            "show": self._show,
            "timeline": self._timeline,
            "audit": self._audit,
            "approve": self._approve,
            "deny": self._deny,
            "withdraw": self._withdraw,
            "cancel": self._cancel,
            "undo": self._undo,
            "help": self._help,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "sign": self._sign,
            "token": self._token,
        }
        await say.get(command.word, self._menu)(caller, command)

    async def _menu(self, caller: Caller, _command: Command) -> None:
        await caller.reply.whisper(menu(await self.offer(caller)))

    async def _runs(self, caller: Caller, command: Command) -> None:
        requests = await self.desk.runs(limit=10, target=command.argument or None)
        seen = [request for request in requests if request.target in self.fleet.seen_from(caller.channel or "")]
        await caller.reply.whisper(request_lines(seen))

    async def _help(self, caller: Caller, command: Command) -> None:
        offer = await self.offer(caller)
        word = next((word for word in WORDS if word.name == command.argument), None)
        if word is not None:
            await caller.reply.whisper(help_on_word(word, offer))
            return
        action = next((action for action in self.actions if action.name == command.argument), None)
        await caller.reply.whisper(help_page(offer) if action is None else help_on(action, offer))

    async def _show(self, caller: Caller, command: Command) -> None:
        await caller.reply.whisper(request_shown(await self._request(caller, command.argument)))

    async def _request(self, caller: Caller, request_id: str) -> Request:
        request = await self.desk.show(request_id)
        if request.target not in self.fleet.seen_from(caller.channel or ""):
            raise UsageError(f"{request.id} is about a target that is not bound to this channel; ask where it is.")
        return request

    async def _timeline(self, caller: Caller, command: Command) -> None:
        request = await self._request(caller, command.argument)
        async with self._waiting(caller, f"Reading the audit for {request.id}…"):
            rows, check = await self.desk.timeline(request.id)
        await self._publish(caller, timeline(request, rows, check))

    async def _audit(self, caller: Caller, _command: Command) -> None:
        async with self._waiting(caller, "Verifying the audit…"):
            check = await self.desk.audited()
        await caller.reply.whisper(audited(check))

    async def _approve(self, caller: Caller, command: Command) -> None:
        """Nobody approves by an id alone: they see the plan first, and press its button."""
        request = await self._request(caller, command.argument)
        if request.state is not RequestState.WAITING:
            await caller.reply.whisper(request_shown(request))
            return
        no = await self.policy.may_approve(case_of(request), caller.person.id, request.requester.id)
        if no is not None:
            raise Refused(no)
        await caller.reply.whisper(card(request, self.fleet.targets[request.target].environment))

    async def _deny(self, caller: Caller, command: Command) -> None:
        request = await self._request(caller, command.argument)
        await self._told(caller, await self.desk.deny(request.id, caller.person, command.reason))

    async def _withdraw(self, caller: Caller, command: Command) -> None:
        await self._told(caller, await self.desk.withdraw(command.argument, caller.person))

    async def _cancel(self, caller: Caller, command: Command) -> None:
        await self._told(caller, await self.desk.cancel(command.argument, caller.person))

    async def _told(self, caller: Caller, decided: Decided) -> None:
        sign = ":white_check_mark:" if decided.ok else ":no_entry:"
        await caller.reply.whisper(notice(f"{sign} {spoken(decided.why)}"))

    async def _undo(self, caller: Caller, command: Command) -> None:
        done = await self.desk.show(command.argument)
        await self._admit(caller, by_name(done.action), done.target)
        channel = _where_others_see(caller)
        async with self._waiting(caller, f"Planning to put back {done.id}…"):
            outcome = await self.desk.undo(
                done.id, caller.person, channel, command.reason, break_glass=command.break_glass
            )
        if isinstance(outcome, Refusal):
            await self._publish(caller, refused(outcome, caller.mention))

    async def _freeze(self, caller: Caller, command: Command) -> None:
        where = _shared(caller.channel)
        done = await self.desk.locks.freeze(command.argument, caller.person, command.reason, where)
        await caller.reply.whisper(notice(f":white_check_mark: {mrkdwn(done)}"))

    async def _thaw(self, caller: Caller, command: Command) -> None:
        where = _shared(caller.channel)
        done = await self.desk.locks.thaw(command.argument, caller.person, command.reason, where)
        await caller.reply.whisper(notice(f":white_check_mark: {mrkdwn(done)}"))

    async def _sign(self, caller: Caller, command: Command) -> None:
        note = command.options.get("note", "")
        await self._told(caller, await self.desk.reviews.sign(command.argument, caller.person, note))

    async def _token(self, caller: Caller, command: Command) -> None:
        await token(self.desk.tokens, caller, command)

    async def _read(self, caller: Caller, action: ReadAction, command: Command) -> None:
        await self._admit(caller, action, command.target)
        names = NAMES.name in command.options and command.target is not None
        if names:
            await self._admit_to_names(caller, command.target or "")
        what = command.target or "the fleet"
        async with self._waiting(caller, f"Looking at {what}…") as progress:
            if action.whole_fleet or command.target is None:
                fleet = await self.fleet_seen(self.fleet.seen_from(caller.channel or ""))
                screen = glance(fleet, caller.mention, await self.frozen_notes())
            else:
                seen = await self.desk.look(action.name, command.target, command.options, progress)
                seen = await self._with_own(seen)
                note = (await self.frozen_notes()).get(command.target, "")
                screen = _PAGES.get(action.name, diagnosed)(seen, caller.mention, note)
                screen = await self.pictures.added(screen, seen)
        await self._publish(caller, screen)
        if names:
            await caller.reply.entrust(names_message(seen))

    async def _with_own(self, seen: Seen) -> Seen:
        """Where happenings were asked for, with Tandem's own runs; a ledger that is away is said elsewhere."""
        if seen.since is None:
            return seen
        with contextlib.suppress(LedgerError):
            return with_runs(seen, await self.desk.runs(limit=OWN_RUNS, target=seen.snapshot.target))
        return seen

    async def _change(self, caller: Caller, action: Action, command: Command) -> None:
        await self._admit(caller, action, command.target)
        channel = _where_others_see(caller)
        async with self._waiting(caller, f"Planning {command.word} of {command.target}…"):
            outcome = await self.desk.ask(
                *(action.name, command.target or "", command.options, caller.person, channel, command.reason),
                break_glass=command.break_glass,
            )
        if isinstance(outcome, Refusal):
            await self._publish(caller, refused(outcome, caller.mention))
        elif beside := await self.desk.waiting_beside(outcome):
            await caller.reply.whisper(notice(spoken(beside)))

    async def _admit(self, caller: Caller, action: Action, target: str | None) -> None:
        no = await self.policy.may_use(caller.person.id, action, caller.channel or "", target)
        if no is not None:
            raise Refused(no)

    async def _admit_to_names(self, caller: Caller, target: str) -> None:
        no = await self.policy.may_see_names(caller.person.id, target, caller.channel)
        if no is not None:
            raise Refused(no)

    async def _publish(self, caller: Caller, screen: Screen) -> None:
        """Into the channel; where that does not take it, to the person alone."""
        try:
            await self.messages.post_screen(caller.channel or caller.person.id, screen)
        except CannotPost as error:
            await caller.reply.whisper(screen.message)
            await caller.reply.whisper(notice(f"Only you see this. {error}"))

    @contextlib.asynccontextmanager
    async def _waiting(self, caller: Caller, what: str) -> AsyncIterator[Progress]:
        """Tell the person after a second what they wait for, and once more when there is something to tell."""
        said: list[str] = [what]

        async def tell() -> None:
            await asyncio.sleep(SLOW_S)
            await caller.reply.whisper(notice(mrkdwn(said[-1])))

        async def progress(sentence: str) -> None:
            said.append(sentence)
            if teller.done() and len(said) == 2:
                await caller.reply.whisper(notice(mrkdwn(sentence)))

        teller = asyncio.create_task(tell())
        try:
            yield progress
        finally:
            teller.cancel()
            with contextlib.suppress(asyncio.CancelledError, CannotPost):
                await teller


def _where_others_see(caller: Caller) -> str:
    channel = _shared(caller.channel)
    if channel is None:
        raise UsageError("Ask for changes in the channel of the incident: somebody else has to see and approve it.")
    return channel


def _shared(channel: str | None) -> str | None:
    """The channel, where others read it too."""
    return channel if channel is not None and channel[:1] in {"C", "G"} else None


async def _quiet(_sentence: str) -> None:
    """Nobody is told."""
