"""Reads the ``TANDEM_…`` variables: from the environment, from ``.env`` beside it, secrets also from files.

The terminal needs one of them and starts often, so this stays free of pydantic; ``bot.settings`` takes the same
values from here and checks all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from actions.kit.errors import SettingsError
from bot.render.words import nearest, quoted

PREFIX = "TANDEM_"
FILE = "_FILE"

PLAIN = (
    "SLACK_API_URL",
    "TARGETS_FILE",
    "HTTP_HOST",
    "HTTP_PORT",
    "HTTP_TLS_CERT_FILE",
    "HTTP_TLS_KEY_FILE",
    "ALERTS_CLIENT_CA_FILE",
    "APPROVAL_MINUTES",
    "BREAK_GLASS_MINUTES",
    "REVIEW_HOURS",
    "TOKEN_HOURS",
    "PEOPLE_HOURS",
    "AWS_ENDPOINT_URL",
    "TRACES_URL",
    "WATCH_NODES_SECONDS",
    "WATCH_SENTINELS",
    "WATCH_PODS",
    "WATCH_AWS_SECONDS",
)
SECRET = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "ALERTS_TOKEN", "TOKEN", "LEDGER_URL")
"""These may also come as ``TANDEM_<name>_FILE``, the path of a file that holds nothing else."""

ELSEWHERE = ("REDIS_SERVER",)
"""Read by the sandbox, not by the bot."""

TARGETS_FILE = "targets.yaml"
"""Where the targets stand unless ``TANDEM_TARGETS_FILE`` says otherwise."""

LEDGER_URL = "sqlite+aiosqlite:///tandem.db"
"""Where the ledger is unless ``TANDEM_LEDGER_URL`` says otherwise."""


def variables(environment: Mapping[str, str] = os.environ, directory: Path | None = None) -> dict[str, str]:
    """Every setting that has a value, by its name without the prefix, secrets read from their files.

    Args:
        environment: wins over the ``.env`` file. An empty value counts as not set.
        directory: where ``.env`` is looked for; the current one by default.

    Raises:
        SettingsError: a name is unknown, ``.env`` or a secret's file cannot be used, or a secret is given twice.
    """
    known = {*PLAIN, *SECRET, *(name + FILE for name in SECRET)}
    found: dict[str, str] = {}
    for source, values in ((".env", _dotenv(directory or Path())), ("the environment", environment)):
        for variable, value in values.items():
            name = variable.removeprefix(PREFIX)
            if name != variable and name not in ELSEWHERE:
                _check(variable, known, source)
                found[name] = value
    return _with_secrets({name: value for name, value in found.items() if value.strip()})


def targets_file() -> Path:
    """The path of ``targets.yaml``.

    Raises:
        SettingsError: as ``variables``.
    """
    return Path(variables().get("TARGETS_FILE", TARGETS_FILE))


def ledger_url() -> str:
    """Where the ledger is, as SQLAlchemy writes it.

    Raises:
        SettingsError: as ``variables``.
    """
    return variables().get("LEDGER_URL", LEDGER_URL)


def aws_endpoint_url() -> str | None:
    """Where AWS's API is reached instead of the region's own address; ``None`` where nothing says so.

    Raises:
        SettingsError: as ``variables``, and where it is no address of the web.
    """
    url = variables().get("AWS_ENDPOINT_URL")
    if url is not None and (not url.startswith(("http://", "https://")) or "@" in url):  # It may hold a password.
        raise SettingsError(f"{PREFIX}AWS_ENDPOINT_URL has to begin with https:// or http://, and to name nobody.")
    return url.rstrip("/") if url else None


def _dotenv(directory: Path) -> Mapping[str, str]:
    path = directory / ".env"
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 -- Only development has the file.

    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text; correct it or remove it.") from error


def _check(variable: str, known: set[str], source: str) -> None:
    if variable.removeprefix(PREFIX) in known:
        return
    meant = nearest(variable, [(PREFIX + name).lower() for name in known])
    hint = f"; did you mean {meant.upper()}?" if meant else "."
    raise SettingsError(f"{quoted(variable)} in {source} is not a setting of Tandem{hint} Correct or remove it.")


def _with_secrets(found: dict[str, str]) -> dict[str, str]:
    for name in SECRET:
        path = found.pop(name + FILE, None)
        if path is None:
            continue
        if name in found:
            raise SettingsError(f"{PREFIX}{name} and {PREFIX}{name}{FILE} are both set; keep one of them.")
        found[name] = read_secret(Path(path), f"{PREFIX}{name}{FILE}")
    return found


def read_secret(path: Path, named_by: str) -> str:
    """The one line in a secret's file, without its line end.

    Raises:
        SettingsError: it cannot be read or is empty; names the path and never the content.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise SettingsError(f"{named_by} names {quoted(str(path), 200)}, but: {why}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{named_by} names {quoted(str(path), 200)}, which is not UTF-8 text.") from error
    if not secret.strip():
        raise SettingsError(f"{named_by} names {quoted(str(path), 200)}, which is empty; put the secret into it.")
    return secret
