"""The steps of a failover that AWS carries out. No I/O here but through Hands.

What AWS was asked for cannot be called off, and must not be asked for twice: whether it was is seen in the status and
the events, after a crash as well as before each call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from actions.kit.elasticache.moving import Move, asked_aws, judged, under_way
from actions.kit.errors import AccessDenied, ActionError, CommandRefused, NotYet, Temporary, TooLate
from actions.kit.late import called_back
from actions.kit.plan import Held, Step
from actions.kit.ports import Hands
from actions.kit.snapshot import Role
from actions.kit.steps import until
from actions.kit.topology import Address

AWS_WITHIN_S = 900.0
"""A failover takes AWS a minute or two, the replacement of the node up to some minutes more."""
UNDO_WITHIN_S = 300.0
"""So long what was asked for is waited out where a run cannot go on."""
EVERY_S = 1.0
SEEN_WITHIN_S = 30.0
"""A call whose answer was lost shows within this, or was never made."""
CALM_S = 5.0
"""So long nothing may show before a call counts as not made: the status changes with the call itself."""


@dataclass(frozen=True, slots=True)
class HoldWrites(Step):
    """Let writes wait on the primary, and let its replicas get every byte that it has acknowledged.

    The pause is bounded: where AWS takes longer to move the primary, what that acknowledges meanwhile may be lost, as
    the plan says. So it is no reason to stop where the pause is refused.
    """

    primary: Address
    replicas: tuple[Address, ...]
    pause_ms: int

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Let writes wait on {self.primary}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"{self.primary}> CLIENT PAUSE {self.pause_ms} WRITE; then INFO replication on all until offsets are equal"
        )

    async def act(self, hands: Hands) -> str:
        """Pause, then wait until each replica that answers has what was written, no longer than half the pause."""
        try:
            offset = await hands.fence(self.primary, self.pause_ms, {})
        except (AccessDenied, CommandRefused) as error:
            return f"writes go on: {error}"
        for replica in self.replicas:
            await until(lambda one=replica: _has(hands, one, offset), hands, self.pause_ms / 2000, every_s=0.01)  # type: ignore[misc]
        return f"writes wait, every replica has offset {offset}"

    async def undo(self, hands: Hands) -> str:
        """End the pause, unless another is primary by now."""
        if (await hands.standing(self.primary)).role is not Role.MASTER:
            return f"{self.primary} is a replica"
        doubt = await called_back(self.primary, hands)
        try:
            await hands.unfence(self.primary, {})
        except (AccessDenied, CommandRefused) as error:
            return f"writes were not held: {error}"
        return f"{self.primary} accepts writes again{doubt}"


async def _has(hands: Hands, replica: Address, offset: int) -> Held:
    standing = await hands.standing(replica)
    return Held(standing.offset >= offset, f"{replica} has offset {standing.offset} of {offset}")


class _Moving(Step):
    """What both ways of moving a primary share."""

    __slots__ = ()

    point_of_no_return: ClassVar[bool] = True
    move: Move
    within_s: float

    async def holds(self, hands: Hands) -> Held:
        """Whether AWS, its events and the nodes say that it has come about."""
        return await judged(hands, self.move)

    async def undo(self, hands: Hands) -> str:
        """See that AWS was not asked; what it was asked for is waited out, since it cannot be called off."""
        held = await until(self._calm(hands), hands, min(self.within_s, UNDO_WITHIN_S), EVERY_S)
        return held.observation

    def _calm(self, hands: Hands) -> Callable[[], Awaitable[Held]]:
        """A look that holds once nothing has shown for a while."""
        since = hands.now()

        async def look() -> Held:
            nonlocal since
            shows = under_way(await asked_aws(hands), self.move)
            if shows is None:
                return Held(hands.now() - since >= CALM_S, f"AWS was not asked: {self.move.old} is the primary")
            since = hands.now()
            done = await judged(hands, self.move)
            if done.yes:
                raise TooLate(done.observation)
            return Held(yes=False, observation=f"{shows}, and that cannot be called off; {done.observation}")

        return look

    async def _ask(self, hands: Hands, call: Callable[[], Awaitable[None]]) -> str:
        """Make the call unless it shows that it was made, and wait for what it brings about.

        Raises:
            NotYet: it did not come about in time, or it is not known whether AWS got the call.
        """
        shows = under_way(await asked_aws(hands), self.move)
        if shows is None:
            try:
                await call()
            except Temporary as error:
                await self._seen_after_all(hands, error)
        held = await until(self._moved(hands), hands, self.within_s, EVERY_S)
        return held.observation

    def _moved(self, hands: Hands) -> Callable[[], Awaitable[Held]]:
        """A look that also lets go who waits on the old primary, once that is a replica: they go elsewhere then."""
        freed = False

        async def look() -> Held:
            nonlocal freed
            with contextlib.suppress(ActionError):
                if not freed and (await hands.standing(self.move.primary)).role is Role.REPLICA:
                    await hands.unfence(self.move.primary, {})
                    freed = True
            return await judged(hands, self.move)

        return look

    async def _seen_after_all(self, hands: Hands, lost: ActionError) -> None:
        """The answer to a call was lost: what AWS shows tells whether it got it."""

        async def look() -> Held:
            shows = under_way(await asked_aws(hands), self.move)
            return Held(shows is not None, shows or "nothing shows that AWS got the call")

        try:
            await until(look, hands, SEEN_WITHIN_S, EVERY_S)
        except NotYet as error:
            raise NotYet(f"{lost} {error}") from lost


@dataclass(frozen=True, slots=True)
class CallTestFailover(_Moving):
    """Have AWS fail a shard over; it chooses the replica itself."""

    move: Move
    within_s: float = AWS_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Have AWS fail over shard {self.move.shard} from {self.move.old}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"aws elasticache test-failover --region {self.move.region} --replication-group-id {self.move.group} "
            f"--node-group-id {self.move.shard}"
        )

    async def act(self, hands: Hands) -> str:
        """Call once, and wait until it is complete."""
        return await self._ask(hands, lambda: hands.elasticache.test_failover(self.move.shard))


@dataclass(frozen=True, slots=True)
class MakePrimary(_Moving):
    """Have AWS make this very member the primary; it takes that only while automatic failover is off."""

    move: Move
    member: str
    within_s: float = AWS_WITHIN_S

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Make {self.member} the primary"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return (
            f"aws elasticache modify-replication-group --region {self.move.region} --replication-group-id "
            f"{self.move.group} --primary-cluster-id {self.member} --apply-immediately"
        )

    async def act(self, hands: Hands) -> str:
        """Call once, and wait until it is complete."""
        return await self._ask(hands, lambda: hands.elasticache.make_primary(self.member))
