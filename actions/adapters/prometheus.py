"""Asks Prometheus' HTTP API for series, read-only."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

from actions.adapters.redis.tls import tls_context
from actions.kit.charting.prometheus import Told, parse_matrix
from actions.kit.errors import AccessDenied, CommandRefused, Garbled, Unreachable
from actions.kit.prometheus_place import PrometheusPlace

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 15.0
MOST_BYTES = 64 * 2**20
"""Some 200 nodes over 240 steps are 15 MB."""


class PrometheusApi:
    """See ``actions.kit.ports.Prometheus``."""

    def __init__(self, place: PrometheusPlace) -> None:
        self.place = place

    async def matrix(self, query: str, since: float, until: float, step_s: float) -> tuple[Told, ...]:
        """See ``Prometheus.matrix``."""
        import aiohttp  # noqa: PLC0415 -- 25 MB that a terminal without a chart does without.

        window = {"start": f"{since:.3f}", "end": f"{until:.3f}", "step": f"{step_s:g}"}
        url, timeout = f"{self.place.url}/api/v1/query_range", aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.get(
                    url,
                    params={"query": query, **window},
                    headers=self._headers(),
                    ssl=self._context(),
                    max_redirects=3,
                ) as response,
            ):
                return parse_matrix(await self._answer(response))
        except TimeoutError as error:
            raise Unreachable(f"{self._name} gave no answer within {TIMEOUT_S:g} s.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{self._name} does not answer: {_words(error)}.") from error

    @property
    def _name(self) -> str:
        return f"Prometheus at {self.place.url}"

    def _headers(self) -> dict[str, str]:
        import aiohttp  # noqa: PLC0415 -- See ``matrix``.

        if self.place.token:
            return {"Authorization": f"Bearer {self.place.token}"}
        auth = self.place.auth
        if auth.password is None:
            return {}
        return {"Authorization": aiohttp.encode_basic_auth(auth.username or "", auth.password)}

    def _context(self) -> ssl.SSLContext | bool:
        return tls_context(self.place.tls) if self.place.tls else True

    async def _answer(self, response: aiohttp.ClientResponse) -> object:
        """What it says, where it says something of use."""
        if response.status in {401, 403}:
            raise AccessDenied(f"{self._name} does not let Tandem in: it answered with {response.status}.")
        body = await response.content.read(MOST_BYTES + 1)
        while body and len(body) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
            body += more
        if len(body) > MOST_BYTES:
            raise CommandRefused(f"{self._name} has more to tell than can be drawn; ask for less with --since.")
        try:
            told = json.loads(body)
        except ValueError as error:
            if response.status >= 500:
                raise Unreachable(f"{self._name} answered with {response.status}.") from error
            raise Garbled(f"What answers at {self.place.url} is no Prometheus: it answered with no JSON.") from error
        if isinstance(told, dict) and told.get("status") == "error":
            raise CommandRefused(f"{self._name} refused the question: {str(told.get('error'))[:200]}.")
        if response.status != 200:
            raise Unreachable(f"{self._name} answered with {response.status}.")
        return told


def _words(error: Exception) -> str:
    """In one line, without the library's own picture of where it connected to."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    return " ".join(str(cause).split())[:200].rstrip(".") or type(error).__name__
