"""One question without an answer, and why. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a vantage point, or one question to it, has no answer."""

    REFUSED = "refused"
    """The connection was refused: nothing listens there."""
    TIMED_OUT = "timed out"
    """Nothing came back in time: hung, cut off, or a black hole."""
    UNRESOLVED = "unresolved"
    """The host's name has no address."""
    CLOSED = "closed"
    """The connection broke, or cannot be routed."""
    NOAUTH = "NOAUTH"
    """The server wants a password, or AWS credentials, and we have none."""
    WRONGPASS = "WRONGPASS"
    """The user name or the password is wrong, or the user is disabled; AWS credentials are wrong or expired."""
    NOPERM = "NOPERM"
    """The ACL user may not run this command; the IAM policy does not allow this action."""
    DENIED = "DENIED"
    """Protected mode: the server has no password, and lets nobody in who is not on its own machine."""
    MAXCLIENTS = "max clients"
    """The server has as many clients as it may have."""
    TLS = "TLS"
    """The TLS handshake failed, or one side speaks TLS and the other does not."""
    LOADING = "LOADING"
    """The server is loading its data set."""
    BUSY = "BUSY"
    """A script or function holds the server."""
    MASTERDOWN = "MASTERDOWN"
    """A replica with replica-serve-stale-data no has lost its master."""
    UNKNOWN_MASTER = "unknown master"
    """This Sentinel does not know the master's name."""
    GARBAGE = "garbage"
    """What came back is not what Redis answers."""
    REFUSED_COMMAND = "refused command"
    """The server answered with another error."""
    THROTTLED = "throttled"
    """Asked too often: AWS said so until our time was over."""
    NOT_FOUND = "not found"
    """There is no such thing where we asked."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """One question without an answer. ``source`` says who was asked what, ``why`` is the error in its own words."""

    source: str
    reason: Reason
    why: str
