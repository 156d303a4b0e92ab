"""Faults that a test or the demo asks for: what the next calls meet, and how the next change of a group goes wrong."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum

from sandbox.elasticache.errors import AwsError

RATE_EXCEEDED = "Rate exceeded"
INTERNAL = "An internal error has occurred. Please try your query again at a later time."


class Mishap(Enum):
    """How a failover or modification that AWS has accepted goes on."""

    NONE = "as it should"
    NEVER_COMPLETES = "the status stays modifying, and nothing else happens"
    WITHOUT_EVENTS = "done, but no event tells that it is complete"
    LATE_EVENTS = "done, and the events appear later, with the dates of what they tell"
    EVENTS_OUT_OF_ORDER = "done, and the event of the failover comes after those of the recovery"
    AVAILABLE_FIRST = "the status is available again before anything has happened"
    ROLLED_BACK = "the status is available again and everything is as it was"


@dataclass
class _CallFault:
    error: AwsError
    times: int


@dataclass
class Faults:
    """Switches for everything that goes wrong with AWS. An action is a name such as "TestFailover", "" any."""

    denied: set[str] = field(default_factory=set)
    """Actions that no policy allows."""
    test_failover_blocked: bool = False
    """Amazon blocks TestFailover, as it may in large-scale operational events."""
    _calls: dict[str, list[_CallFault]] = field(default_factory=lambda: defaultdict(list))
    _delays: dict[str, float] = field(default_factory=dict)
    _lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _mishaps: list[Mishap] = field(default_factory=list)

    def throttle(self, action: str = "", *, times: int = 1, code: str = "Throttling") -> None:
        """Refuse the next calls for their rate; AWS also uses ThrottlingException and RequestLimitExceeded (503)."""
        status = 503 if code == "RequestLimitExceeded" else 400
        self._calls[action].append(_CallFault(AwsError(code, RATE_EXCEEDED, status), times))

    def fail(self, action: str = "", *, times: int = 1, code: str = "InternalFailure", status: int = 500) -> None:
        """Answer the next calls with a fault of Amazon's; the other common one is ServiceUnavailable (503)."""
        self._calls[action].append(_CallFault(AwsError(code, INTERNAL, status, sender=False), times))

    def delay(self, action: str, seconds: float) -> None:
        """Let each call of this action wait so long before it takes effect; 0 ends it."""
        self._delays[action] = seconds

    def lose_answer(self, action: str, *, times: int = 1) -> None:
        """Carry the next calls of this action out, and break the connection instead of answering."""
        self._lost[action] += times

    def next_change(self, *mishaps: Mishap) -> None:
        """Let the next changes that AWS accepts, in this order, go on like this."""
        self._mishaps.extend(mishaps)

    def mend(self) -> None:
        """Let everything be as it should again; what is stuck stays so."""
        self.denied.clear()
        self.test_failover_blocked = False
        for waiting in (self._calls, self._delays, self._lost, self._mishaps):
            waiting.clear()

    def next_error(self, action: str) -> AwsError | None:
        """Return what this call meets, and count it; None where nothing does."""
        for waiting in (self._calls[action], self._calls[""]):
            if waiting:
                waiting[0].times -= 1
                return waiting.pop(0).error if waiting[0].times <= 0 else waiting[0].error
        return None

    def call_delay(self, action: str) -> float:
        """Return the seconds that this call has to wait."""
        return self._delays.get(action, 0.0)

    def loses_answer(self, action: str) -> bool:
        """Tell whether the answer to this call gets lost, and count it."""
        lost = self._lost[action] > 0
        self._lost[action] -= lost
        return lost

    def takes_mishap(self) -> Mishap:
        """Return how the change that now begins goes on, and count it."""
        return self._mishaps.pop(0) if self._mishaps else Mishap.NONE
