"""``POST /alerts``: takes deliveries in, and answers what makes their sender do right, as Alertmanager was measured.

Any 2xx counts as delivered, and is said only when all is written down. 5xx has it sent again at once, and again. 4xx
has it sent again later for as long as the alert fires: for what somebody has to mend first.
"""

from __future__ import annotations

import asyncio
import hmac
import logging

from aiohttp import web

from actions.kit.errors import UsageError
from bot.alerts.body import parse, shortened
from bot.alerts.mapping import Places
from bot.ledger.errors import LedgerError
from bot.ledger.incidents import Incidents

log = logging.getLogger(__name__)

PATH = "/alerts"
LARGEST = 32 * 1024 * 1024
"""Bytes of one delivery; some 50,000 alerts."""
PATIENCE_S = 10.0
"""For the whole body: a client that sends a byte now and then must not hold a connection for ever."""
_NO_TOKEN = "Alerts are not taken here: TANDEM_ALERTS_TOKEN is not set.\n"  # noqa: S105 -- It is none.
_NO_CERTIFICATE = "Show a client certificate: TANDEM_ALERTS_CLIENT_CA_FILE is set, and says of whose.\n"
_WRONG_TOKEN = "The bearer token is missing or wrong.\n"  # noqa: S105 -- Nor is this.


class Receiver:
    """Takes alerts in.

    Args:
        incidents: where they are written down.
        places: finds their targets and channels.
        token: what the sender has to know; empty: nothing is taken.
        by_certificate: whether the sender has to show a certificate as well, which TLS has checked.
    """

    def __init__(self, incidents: Incidents, places: Places, token: str, *, by_certificate: bool = False) -> None:
        self._by_certificate = by_certificate
        self._incidents, self._places, self._token = incidents, places, token

    def add(self, routes: web.UrlDispatcher) -> None:
        """Add the route."""
        routes.add_post(PATH, self._received)

    async def _received(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            return await self._take(await _read(request))
        except TimeoutError:
            return web.Response(status=408, text=f"The body did not come within {PATIENCE_S:g} s.\n")
        except UsageError as error:
            log.warning("a delivery of alerts was refused: %s", error)
            return web.Response(status=400, text=f"{error}\n")
        except LedgerError as error:
            log.warning("alerts could not be written down: %s", error)
            return web.Response(status=503, text="The alerts could not be written down; send them again.\n")

    def _refusal(self, request: web.Request) -> web.Response | None:
        """What a sender is answered who may send nothing; ``None`` where it may."""
        if not self._token:
            return web.Response(status=503, text=_NO_TOKEN)
        if self._by_certificate and not _shown(request):
            return web.Response(status=401, text=_NO_CERTIFICATE)
        if not self._may(request.headers.get("Authorization", "")):
            return web.Response(status=401, text=_WRONG_TOKEN, headers={"WWW-Authenticate": "Bearer"})
        return None

    async def _take(self, raw: bytes) -> web.Response:
        body = parse(raw)
        taken = await self._incidents.received([self._places.signal(alert) for alert in body.alerts])
        if body.left_out:
            log.warning("%d alerts were left out by their sender: set max_alerts to 0", body.left_out)
        if body.troubles:
            log.warning("some alerts were not understood: %s", shortened(body.troubles))
        if taken.unheard:
            log.warning("%d alerts have no channel: set alerts.channel in targets.yaml", taken.unheard)
        return web.json_response(
            {
                "opened": taken.opened,
                "changed": taken.changed,
                "known": taken.known,
                "unheard": taken.unheard,
                "not_understood": list(body.troubles[:10]),
            }
        )

    def _may(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        right = hmac.compare_digest(given.strip().encode(errors="replace"), self._token.encode())
        return right and scheme.lower() == "bearer"


def _shown(request: web.Request) -> bool:
    """Whether the sender has shown a certificate; one that is not trusted ends the handshake."""
    return request.transport is not None and bool(request.transport.get_extra_info("peercert"))


async def _read(request: web.Request) -> bytes:
    """The whole body.

    Raises:
        HTTPRequestEntityTooLarge: it is too large.
        TimeoutError: it does not come.
        UsageError: it is not encoded as its headers say.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LARGEST or (request.content_length or 0) > LARGEST:
                    raise web.HTTPRequestEntityTooLarge(LARGEST, len(body))
    except web.RequestPayloadError as error:
        raise UsageError("The body is not in the encoding that its headers name.") from error
    return bytes(body)
