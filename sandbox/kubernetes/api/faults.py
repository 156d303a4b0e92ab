"""What goes wrong with the API server when a test or the demo asks for it."""

import asyncio
from dataclasses import dataclass, field

from sandbox.kubernetes.api.errors import Refused

_REASONS = {
    429: ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
    500: ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


@dataclass
class _Fault:
    """Meets requests with this verb for this resource ("*": any), so many times or, with None, until mended."""

    verb: str
    resource: str
    code: int
    delay_s: float | None
    times: int | None

    def meets(self, verb: str, resource: str) -> bool:
        return self.verb in ("*", verb) and self.resource in ("*", resource) and self.times != 0


@dataclass
class ApiFaults:
    """Each acts at once, on requests that match; `resource` may name a subresource ("pods/exec")."""

    _faults: list[_Fault] = field(default_factory=list)

    def fail(self, code: int, *, verb: str = "*", resource: str = "*", times: int | None = 1) -> None:
        """Answer with this code (429, 500, 503 or 504; 429 with Retry-After: 1)."""
        self._faults.append(_Fault(verb, resource, code, 0.0, times))

    def slow(self, delay_s: float, *, verb: str = "*", resource: str = "*", times: int | None = None) -> None:
        """Answer so many seconds later."""
        self._faults.append(_Fault(verb, resource, 0, delay_s, times))

    def hang(self, *, verb: str = "*", resource: str = "*", times: int | None = None) -> None:
        """Take the request and never answer."""
        self._faults.append(_Fault(verb, resource, 0, None, times))

    def mend(self) -> None:
        """End them all; what hangs stays so until its client gives up."""
        self._faults.clear()

    async def meet(self, verb: str, resource: str) -> None:
        """Let this request suffer what it has to.

        Raises:
            Refused: with the code that was asked for.
        """
        for fault in [one for one in self._faults if one.meets(verb, resource)]:
            if fault.times is not None:
                fault.times -= 1
            if fault.delay_s is None:
                await asyncio.Event().wait()
            elif fault.code:
                reason, message = _REASONS[fault.code]
                raise Refused(fault.code, reason, message, {"retryAfterSeconds": 1})
            else:
                await asyncio.sleep(fault.delay_s)
