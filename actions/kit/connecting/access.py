"""How a client is let in, as keywords of redis-py: what is secret comes from its environment. No I/O here.

Which user Tandem has is not the application's affair, nor are the files of Tandem's machine: only which of these there
are is known from the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actions.kit.topology import Credentials, Target, Tls


@dataclass(frozen=True, slots=True)
class Argument:
    """One keyword of redis-py: from ``variable`` of the environment, or the Python that stands in ``value``."""

    keyword: str
    variable: str = ""
    value: str = ""

    @property
    def python(self) -> str:
        """What stands behind the keyword."""
        return f'os.environ["{self.variable}"]' if self.variable else self.value


def of_nodes(target: Target) -> tuple[Argument, ...]:
    """What the data nodes want."""
    return (*_login(target.auth, "REDIS"), *_tls(target.tls, "REDIS"))


def of_sentinels(target: Target) -> tuple[Argument, ...]:
    """What the Sentinels want; files of their own only where they are other ones."""
    prefix = "REDIS" if target.sentinel_tls == target.tls else "REDIS_SENTINEL"
    return (*_login(target.sentinel_auth, "REDIS_SENTINEL"), *_tls(target.sentinel_tls, prefix))


def _login(auth: Credentials, prefix: str) -> tuple[Argument, ...]:
    user = (Argument("username", f"{prefix}_USERNAME"),) if auth.username else ()
    return (*user, Argument("password", f"{prefix}_PASSWORD")) if auth.password else user


def _tls(tls: Tls | None, prefix: str) -> tuple[Argument, ...]:
    if tls is None:
        return ()
    files = (
        ("ssl_ca_certs", "CA_FILE", tls.ca_file),
        ("ssl_certfile", "CERT_FILE", tls.cert_file),
        ("ssl_keyfile", "KEY_FILE", tls.key_file),
    )
    named = (Argument(keyword, f"{prefix}_{variable}") for keyword, variable, there in files if there)
    unchecked = () if tls.check_hostname else (Argument("ssl_check_hostname", value="False"),)
    return (Argument("ssl", value="True"), *named, *unchecked)
