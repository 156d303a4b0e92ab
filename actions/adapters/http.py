"""Asks an application's health URL: its status and how long it took; what it says beyond that is not kept."""

from __future__ import annotations

import time

from actions.kit.errors import Unreachable
from actions.kit.kubernetes.ports import HealthAnswer

TIMEOUT_S = 5.0
MOST_BYTES = 64 * 1024
"""A page that is longer is not read to its end."""


async def ask_health(url: str, timeout_s: float = TIMEOUT_S) -> HealthAnswer:
    """GET it once.

    Raises:
        Unreachable: it did not answer in time, or not by HTTP.
    """
    shown = url.partition("?")[0]  # What follows may be a token.
    import aiohttp  # noqa: PLC0415 -- 25 MB that a terminal without an application does without.

    started = time.perf_counter()
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, max_redirects=3) as response,
        ):
            await response.content.read(MOST_BYTES)
            return HealthAnswer(response.status, (time.perf_counter() - started) * 1000)
    except TimeoutError as error:
        raise Unreachable(f"The health URL {shown} gave no answer within {timeout_s:g} s.") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unreachable(f"The health URL {shown} does not answer: {_words(error).replace(url, shown)}") from error


def _words(error: Exception) -> str:
    """In one line, without the library's own picture of where it connected to."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    return " ".join(str(cause).split())[:200]
