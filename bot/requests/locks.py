"""Freezes and cooldowns as people set and lift them; each time the channels of the target are told."""

from __future__ import annotations

from actions.kit.errors import Refused, UsageError
from actions.kit.topology import Target
from bot.ledger import ALL, Freeze, Ledger, Origin, Person, RequestState
from bot.ledger.freezes import News
from bot.policy import Policy
from bot.render.words import listed
from bot.requests.planning import RESTS, Connections
from bot.vocabulary import MAX_REASON


class Locks:
    """``freeze`` and ``thaw``. The desk has one, as ``desk.locks``."""

    def __init__(self, ledger: Ledger, connections: Connections, policy: Policy) -> None:
        self._ledger = ledger
        self._connections = connections
        self._policy = policy

    async def freeze(self, target: str, person: Person, reason: str, channel: str | None = None) -> str:
        """Let nothing that changes begin on a target, or on any (``*``); what runs goes on.

        Args:
            target: its name, or ``*``.
            person: who freezes it: anybody who may ask for changes there.
            reason: why; everybody who is refused reads it.
            channel: where it was said; told besides the channels of the target.

        Returns:
            What was done, in a sentence.

        Raises:
            UsageError: there is no such target, or no reason.
            Refused: this person may not, or it is frozen already.
            LedgerError: it could not be written down.
        """
        reason = reason.strip()
        if not reason or len(reason) > MAX_REASON:
            raise UsageError(
                f'A freeze needs a reason: add --reason "…", at most {MAX_REASON} characters. Who is refused reads it.'
            )
        await self._admit(
            "target.freeze", person, target, await self._policy.may_freeze(person.id, self._known(target), channel)
        )
        done = f"has frozen {_said(target)}: {reason.rstrip('.')}. No change begins there until an approver thaws it."
        done = " ".join([done, *await self._going_on(target)])
        news = News(lambda _before, _left: f"{_mention(person)} {done}", channel)
        before = await self._ledger.freezes.freeze(target, person, reason, news)
        if before is not None:
            raise Refused(f"Nothing was changed: {before.why_not(_said(target))}")
        return f"{person.name} {done}"

    async def thaw(self, target: str, person: Person, reason: str = "", channel: str | None = None) -> str:
        """End a freeze, and the cooldown that a target is in; takes an approver. Arguments and errors as ``freeze``."""
        reason = reason.strip()[:MAX_REASON]
        await self._admit(
            "target.thaw", person, target, await self._policy.may_thaw(person.id, self._known(target), channel)
        )
        resting = () if target == ALL else await self._resting(self._connections.target(target))

        def done(before: Freeze | None, left: tuple[Freeze, ...]) -> str:
            parts = [f"thawed {_said(target)}, which {before.by.name} had frozen ({before.reason})"] if before else []
            parts += [f"ended the cooldown of {target} after the last {listed(resting)}"] if resting else []
            why = f": {reason.rstrip('.')}" if reason else ""
            return " ".join([f"has {listed(parts)}{why}.", *_left(target, left)])

        news = News(lambda before, left: f"{_mention(person)} {done(before, left)}", channel)
        before = await self._ledger.freezes.thaw(target, person, reason, news, lift=bool(resting))
        left = await self.frozen(None if target == ALL else target)
        if before is None and not resting:
            none = (
                "Nobody has frozen all targets."
                if target == ALL
                else f"{target} is in no cooldown, and nobody has frozen it."
            )
            raise Refused(" ".join([none, *_left(target, left)]))
        return f"{person.name} {done(before, left)}"

    async def frozen(self, target: str | None = None) -> tuple[Freeze, ...]:
        """The freezes that count for a target, that of all targets among them; without a name, every one.

        Raises:
            LedgerError: it cannot be asked.
        """
        return await self._ledger.freezes.on(target)

    async def why_not_now(self, target: str) -> str:
        """What keeps a target from being changed now, as sentences; empty where nothing does.

        Raises:
            LedgerError: it cannot be asked.
        """
        frozen = [freeze.why_not(target) for freeze in await self.frozen(target)]
        busy = await self._ledger.busy(target)
        return " ".join([*frozen, *([busy] if busy else [])])

    def _known(self, target: str) -> tuple[str, ...]:
        """The targets that are meant. Raises ``UsageError`` where there is none of this name."""
        return self._connections.names if target == ALL else (self._connections.target(target).name,)

    async def _admit(self, kind: str, person: Person, target: str, no: str | None) -> None:
        if no is not None:
            await self._ledger.audit(kind, person, target, counts=False, answer=no)
            raise Refused(no)

    async def _going_on(self, target: str) -> list[str]:
        """What is under way and not touched by a freeze."""
        holders = [await self._ledger.holder(name) for name in self._known(target)]
        running = [holder for holder in holders if holder]
        return [f"What is under way goes on: {listed(running)}."] if running else []

    async def _resting(self, target: Target) -> tuple[str, ...]:
        """The actions from which a target rests now."""
        ended = await self._ledger.runs(limit=50, target=target.name, states=(RequestState.ENDED,))
        actions = dict.fromkeys(request.action for request in ended if request.plan.risk in RESTS)
        limit = target.limits.cooldown_s
        return tuple([one for one in actions if await self._ledger.cooldown(target.name, one, limit)])


def _left(target: str, left: tuple[Freeze, ...]) -> list[str]:
    """What is still frozen after a thaw, as sentences."""
    if target == ALL:
        return [f"Still frozen on their own: {listed([one.target for one in left])}."] if left else []
    return [one.why_not(target) for one in left]


def _mention(person: Person) -> str:
    return f"<@{person.id}>" + (" (in a terminal)" if person.origin is Origin.TERMINAL else "")


def _said(target: str) -> str:
    return "all targets" if target == ALL else target
