"""Faults that a test or the demo asks for: what the next calls and deliveries suffer, and what happens to the world."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from sandbox.slack.sockets import Sockets
from sandbox.slack.state import World


@dataclass
class CallFault:
    """What a call of one Web API method meets: a rate limit (`retry_after` seconds) or an error, so many times."""

    error: str
    retry_after: int | None
    times: int


@dataclass(frozen=True)
class HeldCall:
    """A call that hangs: `met` is set when it is there, and it takes effect once `go` is set."""

    met: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Faults:
    """Switches for everything that goes wrong with Slack. Each acts at once and says when it is over."""

    world: World
    sockets: Sockets
    _calls: dict[str, list[CallFault]] = field(default_factory=lambda: defaultdict(list))
    _delays: dict[str, float] = field(default_factory=dict)
    _held: dict[str, HeldCall] = field(default_factory=dict)
    _lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _dropped_acks: int = 0
    _repeated_events: int = 0

    def rate_limit(self, method: str, *, times: int = 1, retry_after: int = 1) -> None:
        """Answer the next calls of this method with 429 and this Retry-After in seconds."""
        self._calls[method].append(CallFault("ratelimited", retry_after, times))

    def fail(self, method: str, *, error: str, times: int = 1) -> None:
        """Answer the next calls of this method with this error."""
        self._calls[method].append(CallFault(error, None, times))

    def delay(self, method: str, seconds: float) -> None:
        """Let each call of this method wait so long before it takes effect; 0 ends it."""
        self._delays[method] = seconds

    def hold_next(self, method: str) -> HeldCall:
        """Let the next call of this method hang until it is told to go on; later ones are not held up."""
        self._held[method] = HeldCall()
        return self._held[method]

    def lose_answer(self, method: str, *, times: int = 1) -> None:
        """Carry the next calls of this method out, and break the connection instead of answering."""
        self._lost[method] += times

    def drop_next_ack(self) -> None:
        """Lose the next ack on its way: the app thinks it has answered, the person sees operation_timeout."""
        self._dropped_acks += 1

    def repeat_next_event(self) -> None:
        """Deliver the next event twice with the same event_id, as a retry."""
        self._repeated_events += 1

    def refresh_disconnect(self, *, everyone: bool = False, reason: str = "refresh_requested") -> None:
        """Ask the oldest connection, or everyone, to reconnect; `reason` may also be "warning"."""
        self.sockets.ask_to_reconnect(everyone=everyone, reason=reason)

    def dead_sockets(self, dead: bool) -> None:
        """Let all connections, also new ones, take everything and answer nothing, not even pings."""
        self.sockets.dead = dead

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message as an administrator would."""
        post = self.world.find(channel, ts)
        if post is None:
            raise LookupError(f"There is no message {ts} in {channel}.")
        post.deleted = True
        self.world.changed()

    def archive(self, channel: str) -> None:
        """Archive a channel."""
        self.world.channels[channel].is_archived = True
        self.world.changed()

    def deactivate(self, user_id: str) -> None:
        """Deactivate a person's account."""
        self.world.users[user_id].deleted = True
        self.world.changed()

    def remove_bot(self, channel: str) -> None:
        """Take the bot out of a channel."""
        self.world.channels[channel].bot_is_member = False
        self.world.changed()

    def next_call_fault(self, method: str) -> CallFault | None:
        """Return what this call meets, and count it; None where nothing does."""
        waiting = self._calls[method]
        if not waiting:
            return None
        fault = waiting[0]
        fault.times -= 1
        if fault.times <= 0:
            waiting.pop(0)
        return fault

    async def call_waits(self, method: str) -> None:
        """Return when this call has waited as long as it has to."""
        if held := self._held.pop(method, None):
            held.met.set()
            await held.go.wait()
        if seconds := self._delays.get(method):
            await asyncio.sleep(seconds)

    def loses_answer(self, method: str) -> bool:
        """Tell whether the answer to this call gets lost, and count it."""
        lost = self._lost[method] > 0
        self._lost[method] -= lost
        return lost

    def takes_ack(self) -> bool:
        """Tell whether this ack gets lost, and count it."""
        lost = self._dropped_acks > 0
        self._dropped_acks -= lost
        return lost

    def takes_repeat(self) -> bool:
        """Tell whether this event is delivered once more, and count it."""
        again = self._repeated_events > 0
        self._repeated_events -= again
        return again
