"""Says why the Kubernetes API gave no answer, or refused: every exception becomes a Reason and one line of text."""

from __future__ import annotations

import json
import re

from actions.adapters.kubernetes.questions import Right
from actions.kit.errors import AccessDenied, ActionError, CommandRefused, Garbled, Unreachable
from actions.kit.unasked import Reason

MOST = 300
_CONNECTION = re.compile(r"^(<.*>|HTTPS?Connection\(.*?\)): ")
"""urllib3 puts its own connection in front."""


class ApiError(ActionError):
    """The API server did not do what was asked.

    Args:
        text: a sentence for a person.
        reason: as a snapshot holds it.
        status: the HTTP status; 0 where there was no answer.
    """

    def __init__(self, text: str, reason: Reason, status: int = 0) -> None:
        super().__init__(text)
        self.reason = reason
        self.status = status


class ApiUnreachableError(ApiError, Unreachable):
    """No answer, or it is overloaded; later there may be one."""


class ApiDeniedError(ApiError, AccessDenied):
    """Nobody it knows, or somebody who may not; also a certificate that is not trusted, or settings that say nobody."""


class ApiRefusedError(ApiError, CommandRefused):
    """It understood, and there is no such thing, or it must not be changed so."""


class ApiGarbledError(ApiError, Garbled):
    """What answers there is no Kubernetes API."""


def from_status(right: Right, what: str, status: int, body: str, host: str) -> ApiError:
    """An answer that says no.

    Args:
        right: what the question needed.
        what: who was asked for what, for a person: ``pods in namespace aragora``.
        status: of HTTP.
        body: the API server's Status object, or whatever came.
        host: of the API server.
    """
    said = _message(body)
    if status == 401:
        text = f"The Kubernetes API at {host} does not know us (401): renew the token or the kubeconfig's user."
        return ApiDeniedError(text, Reason.NOAUTH, status)
    if status == 403:
        text = f"We may not {right.verb} {right.plural} ({what}). Add to the Role: {right.rule}"
        return ApiDeniedError(text, Reason.NOPERM, status)
    if status == 404:
        return ApiRefusedError(f"There is no {what}: {said}", Reason.REFUSED_COMMAND, status)
    if status == 429 or status >= 500:
        text = f"The Kubernetes API at {host} is not able to answer now ({status}): {said}"
        return ApiUnreachableError(text, Reason.CLOSED, status)
    return ApiRefusedError(f"Kubernetes refused to {right.verb} {what}: {said}", Reason.REFUSED_COMMAND, status)


def unreachable(host: str, error: BaseException) -> ApiError:
    """No answer at all."""
    words = " ".join(str(getattr(error, "reason", None) or error).split())
    words = _CONNECTION.sub("", words)
    if isinstance(error, TimeoutError) or "timed out" in words.lower():
        return ApiUnreachableError(f"The Kubernetes API at {host} gave no answer in time.", Reason.TIMED_OUT)
    if "certificate" in words.lower() or "SSL" in words:
        return ApiDeniedError(f"The Kubernetes API at {host} is not trusted: {words[:MOST]}", Reason.TLS)
    reason = Reason.REFUSED if "refused" in words.lower() else Reason.CLOSED
    reason = Reason.UNRESOLVED if "resolve" in words.lower() else reason
    return ApiUnreachableError(f"The Kubernetes API at {host} does not answer: {words[:MOST]}", reason)


def _message(body: str) -> str:
    """What a Status object says, in one line."""
    try:
        message = json.loads(body).get("message") or ""
    except (ValueError, AttributeError):
        message = body
    return " ".join(str(message).split())[:MOST] or "without a word"
