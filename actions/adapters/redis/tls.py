"""TLS settings become one context; and where a connection fails, finds out whether TLS is why."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import AsyncIterator

from actions.kit.topology import Address, Tls


@functools.lru_cache(maxsize=64)
def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context for these settings, shared: reading the authorities takes longer than many handshakes.

    Raises:
        ssl.SSLError: a file is missing or is not what it should be; names the files.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.check_hostname = tls.check_hostname
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:
        files = ", ".join(filter(None, (tls.ca_file, tls.cert_file, tls.key_file)))
        raise ssl.SSLError(0, f"cannot use {files or 'the system authorities'}: {error.strerror or error}") from error
    return context


async def speaks_tls(place: Address, within_s: float) -> bool:
    """Whether a TLS handshake is answered there by TLS. Nothing is sent after it, so nobody has to be trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(within_s), _stream(place, context):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (getattr(error, "reason", None) or "")
    except OSError:
        return False


async def speaks_plain(place: Address, within_s: float) -> bool:
    """Whether PING without TLS is answered there, be it by an error. No password is sent."""
    try:
        async with asyncio.timeout(within_s), _stream(place, None) as (reader, writer):
            writer.write(b"PING\r\n")
            return await reader.read(1) in (b"+", b"-")
    except OSError:
        return False


async def objection(place: Address, context: ssl.SSLContext, host: str, within_s: float) -> ssl.SSLError | None:
    """Why the server hangs up right after the handshake, such as for want of a client certificate.

    Its alert is lost where it crosses what we send, so here nothing is sent.
    """
    try:
        async with asyncio.timeout(within_s), _stream(place, context, host) as (reader, _):
            await reader.read(1)
    except ssl.SSLError as error:
        return error
    except OSError:
        pass
    return None


@contextlib.asynccontextmanager
async def _stream(
    place: Address, context: ssl.SSLContext | None, host: str | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(place.host, place.port, ssl=context, server_hostname=host)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
