"""Real TLS clients at ``/alerts``: with the right certificate, a stranger's, and none; and files that are no use."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from actions.kit.errors import SettingsError
from bot.alerts.mapping import Places
from bot.alerts.receiver import Receiver
from bot.fleet import Fleet
from bot.ledger import Ledger
from bot.tls import server_context
from sandbox.redis.certificates import TlsFiles, create

TOKEN = "a-token"


@pytest.fixture
def ours(tmp_path: Path) -> TlsFiles:
    return made(tmp_path / "ours")


def made(folder: Path) -> TlsFiles:
    folder.mkdir()
    return create(folder, ("127.0.0.1",))


@pytest.fixture
async def url(ours: TlsFiles, tmp_path: Path) -> AsyncIterator[str]:
    """A receiver that asks for certificates, and a probe that needs none."""
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    places = Places(Fleet(targets={}, channels={}, approvers={}, requesters={}, alerts_channel="C0ALERTS"))
    site = web.Application()
    Receiver(ledger.incidents, places, TOKEN, by_certificate=True).add(site.router)
    site.router.add_get("/healthz", healthy)
    runner = web.AppRunner(site)
    try:
        await runner.setup()
        context = server_context(ours.cert_file, ours.key_file, ours.ca_file)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await ledger.aclose()


async def healthy(_request: web.Request) -> web.Response:
    return web.Response()


async def status(url: str, trusted: TlsFiles, shown: TlsFiles | None, token: str = TOKEN) -> int:
    """What a delivery of no alerts is answered."""
    context = ssl.create_default_context(cafile=str(trusted.ca_file))
    if shown is not None:
        context.load_cert_chain(shown.cert_file, shown.key_file)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.request("GET" if "health" in url else "POST", url, json={"alerts": []}, headers=headers) as answer,
    ):
        return answer.status


async def test_who_shows_a_certificate_and_the_token_is_let_in(url: str, ours: TlsFiles) -> None:
    assert await status(f"{url}/alerts", ours, ours) == 200
    assert await status(f"{url}/alerts", ours, ours, "wrong") == 401
    assert await status(f"{url}/alerts", ours, None) == 401
    assert await status(f"{url}/healthz", ours, None) == 200


async def test_a_strangers_certificate_ends_the_handshake(url: str, ours: TlsFiles, tmp_path: Path) -> None:
    stranger = made(tmp_path / "stranger")
    with pytest.raises(aiohttp.ClientError):
        await status(f"{url}/alerts", ours, stranger)
    with pytest.raises(aiohttp.ClientError):
        await status(f"{url}/alerts", stranger, None)
    assert await status(f"{url}/alerts", ours, ours) == 200


def test_without_files_it_is_plain_http() -> None:
    assert server_context(None, None, None) is None


def test_what_cannot_be_used_is_said(ours: TlsFiles, tmp_path: Path) -> None:
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("hello")
    for cert, key, client_ca, why in (
        (ours.cert_file, None, None, "belong together"),
        (None, ours.key_file, None, "belong together"),
        (None, None, ours.ca_file, "client certificates need TLS"),
        (tmp_path / "gone", ours.key_file, None, "no such file"),
        (no_pem, ours.key_file, None, "TANDEM_HTTP_TLS_CERT_FILE and TANDEM_HTTP_TLS_KEY_FILE cannot be used"),
        (made(tmp_path / "other").cert_file, ours.key_file, None, "mismatch"),
        (ours.cert_file, ours.key_file, tmp_path / "gone", "TANDEM_ALERTS_CLIENT_CA_FILE cannot be used"),
        (ours.cert_file, ours.key_file, no_pem, "TANDEM_ALERTS_CLIENT_CA_FILE cannot be used"),
    ):
        with pytest.raises(SettingsError, match=why):
            server_context(cert, key, client_ca)
