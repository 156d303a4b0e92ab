"""What can go wrong with AWS: the kit's errors, each with the reason by which a snapshot tells it."""

from __future__ import annotations

from actions.kit.errors import AccessDenied, ActionError, CommandRefused, Unreachable
from actions.kit.unasked import Reason


class AwsError(ActionError):
    """A call failed.

    Args:
        reason: why, in one word.
        why: why, as a sentence that a person can act on.
        code: AWS's own, where there was an answer.
    """

    def __init__(self, reason: Reason, why: str, code: str = "") -> None:
        super().__init__(why)
        self.reason = reason
        self.code = code


class SilentError(AwsError, Unreachable):
    """No usable answer; later there may be one."""


class ThrottledError(SilentError):
    """Asked too often; nothing was done."""


class ShutOutError(AwsError, AccessDenied):
    """There are no credentials, or they are not enough."""


class DeniedError(AwsError, CommandRefused):
    """AWS understood and refused."""
