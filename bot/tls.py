"""How our own HTTP side speaks TLS, and whose certificates it takes from clients."""

from __future__ import annotations

import ssl
from pathlib import Path

from actions.kit.errors import SettingsError
from bot.render.words import quoted

_CERT, _KEY, _CLIENT_CA = "TANDEM_HTTP_TLS_CERT_FILE", "TANDEM_HTTP_TLS_KEY_FILE", "TANDEM_ALERTS_CLIENT_CA_FILE"


def server_context(cert: Path | None, key: Path | None, client_ca: Path | None) -> ssl.SSLContext | None:
    """The server's side of TLS 1.2 or newer; ``None`` where plain HTTP is spoken.

    A client may show a certificate, and one that none of the authorities has signed ends the handshake: who has to show
    one is decided where it is asked for, since the probes of whoever runs us have none.

    Raises:
        SettingsError: one of the files is missing, or cannot be used.
    """
    if cert is None and key is None:
        if client_ca is not None:
            raise SettingsError(f"{_CLIENT_CA} is set, and {_CERT} is not: client certificates need TLS. Set both.")
        return None
    if cert is None or key is None:
        raise SettingsError(f"{_CERT} and {_KEY} belong together; set both, or neither.")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_CERT} and {_KEY} cannot be used ({quoted(str(cert), 200)}): {_why(error)}.") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{_CLIENT_CA} cannot be used ({quoted(str(client_ca), 200)}): {_why(error)}."
            ) from error
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _no_password() -> str:
    """Nobody sits in front of us who could type one."""
    raise ValueError("the key has a password; take it away")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is no PEM file").replace("_", " ").lower()
    return str(getattr(error, "strerror", None) or error).lower()
