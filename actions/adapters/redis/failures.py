"""Says why a server gave no answer: every exception and error reply becomes a Reason and one line of text."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass

from actions.adapters.redis.wire import LoginRefusedError
from actions.kit.errors import AccessDenied, ActionError, CommandRefused, Garbled, Gone, Unreachable
from actions.kit.snapshot import Reason

MAX_TEXT = 200

_CODES = {
    reason.value: reason
    for reason in (
        *(Reason.NOAUTH, Reason.WRONGPASS, Reason.NOPERM, Reason.DENIED),
        *(Reason.LOADING, Reason.BUSY, Reason.MASTERDOWN),
    )
}
_TURNED_AWAY = "max number of clients reached"
_TLS_RECORDS = (r'"\x15"', r'"\x16"')
"""How hiredis names the first byte of a TLS alert or handshake where it expected a reply."""


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """An error reply to one command, or why a whole exchange failed. ``text`` is one line of at most 200 characters."""

    reason: Reason
    text: str


class ExchangeError(ActionError):
    """A whole exchange failed.

    Args:
        who: the server, such as ``node 10.0.0.1:6379``.
        failure: why.
    """

    def __init__(self, who: str, failure: CommandFailed) -> None:
        super().__init__(f"{who}: {failure.text}")
        self.failure = failure
        self.reason = failure.reason


class UnreachableError(ExchangeError, Unreachable):
    """No usable answer; later there may be one."""


class GoneError(ExchangeError, Gone):
    """Nothing listens there."""


class AccessDeniedError(ExchangeError, AccessDenied):
    """Authentication, authorisation or TLS trust failed."""


class CommandRefusedError(ExchangeError, CommandRefused):
    """The server understood and refused."""


class GarbledError(ExchangeError, Garbled):
    """What answers there is not Redis."""


_ERRORS: dict[Reason, type[ExchangeError]] = {
    Reason.REFUSED: GoneError,
    Reason.NOAUTH: AccessDeniedError,
    Reason.WRONGPASS: AccessDeniedError,
    Reason.NOPERM: AccessDeniedError,
    Reason.DENIED: AccessDeniedError,
    Reason.TLS: AccessDeniedError,
    Reason.GARBAGE: GarbledError,
    Reason.UNKNOWN_MASTER: CommandRefusedError,
    Reason.REFUSED_COMMAND: CommandRefusedError,
}


def as_error(who: str, failure: CommandFailed) -> ExchangeError:
    """The kit's error for this failure."""
    return _ERRORS.get(failure.reason, UnreachableError)(who, failure)


def one_line(text: str, secret: str | None = None) -> str:
    """Text from outside, fit to be shown: one line, at most 200 characters, without the secret.

    A server that does not know a command repeats its arguments, which for AUTH are the password.
    """
    text = text.partition(", with args beginning with")[0]
    if secret:
        text = text.replace(secret, "***")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:MAX_TEXT]


def from_reply(error: Exception, secret: str | None = None) -> CommandFailed:
    """An error reply, in the server's own words."""
    text = str(error)
    reason = _CODES.get(text.partition(" ")[0], Reason.REFUSED_COMMAND)
    if reason is Reason.REFUSED_COMMAND and _TURNED_AWAY in text:
        reason = Reason.MAXCLIENTS
    return CommandFailed(reason, one_line(text, secret))


def from_exception(error: Exception, secret: str | None = None) -> CommandFailed:
    """Why an exchange as a whole failed."""
    if isinstance(error, OSError):
        found = _from_os(error)
        return CommandFailed(found.reason, one_line(found.text, secret))
    if isinstance(error, LoginRefusedError):
        return _from_login(error, secret)
    if any(mark in str(error) for mark in _TLS_RECORDS):
        return CommandFailed(Reason.TLS, "TLS: this port speaks TLS, and we do not")
    return CommandFailed(Reason.GARBAGE, one_line(f"not what Redis answers: {error}", secret))


def _from_login(error: LoginRefusedError, secret: str | None) -> CommandFailed:
    """What AUTH was answered. Where it was refused without a code of its own the words tell whether AUTH is why."""
    said = from_reply(error, secret)
    if said.reason is not Reason.REFUSED_COMMAND:
        return said
    return CommandFailed(Reason.WRONGPASS, said.text) if "password" in said.text else said


def _from_os(error: OSError) -> CommandFailed:
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return CommandFailed(Reason.TLS, f"TLS: its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return CommandFailed(Reason.TLS, f"TLS: {_tls_words(error)}")
    if isinstance(error, socket.gaierror):
        return CommandFailed(Reason.UNRESOLVED, f"its name has no address: {error.strerror}")
    if isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in text:
        return CommandFailed(Reason.REFUSED, "the connection was refused")
    return _from_network(error)


def _from_network(error: OSError) -> CommandFailed:
    if isinstance(error, TimeoutError):
        return CommandFailed(Reason.TIMED_OUT, "no answer in time")
    if isinstance(error, PermissionError) and error.errno is None:  # Of who leads there, and not of the system.
        return CommandFailed(Reason.NOPERM, str(error))
    return CommandFailed(Reason.CLOSED, error.strerror or str(error) or "the connection broke")


def _tls_words(error: ssl.SSLError) -> str:
    """OpenSSL's words, or ours for those that nobody understands."""
    reason = getattr(error, "reason", None) or ""  # Those that we made have none.
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"}:
        return "this port does not speak TLS"
    return reason.replace("_", " ").lower() or str(error)
