"""Reads how a target lets us in: user, password and TLS. Passwords come from files or the environment only."""

from __future__ import annotations

import os
from pathlib import Path

from actions.kit.errors import SettingsError
from actions.kit.topology import Credentials, Tls
from bot.environment import PREFIX, read_secret
from bot.marked import Field, Section
from bot.render.words import quoted

_INSTEAD = {
    "password": "A password in this file would be read by everybody who reads the file: "
    "put it into a file of its own and name it with password_file, or in a variable and name it with password_env."
}


def read_credentials(field: Field | None) -> Credentials:
    """An ``auth`` block; nothing where there is none.

    Raises:
        SettingsError: a wrong key, or a password that is missing, empty or given twice.
    """
    if field is None:
        return Credentials()
    section = field.section("username", "password_file", "password_env", instead=_INSTEAD)
    file, variable = section.get("password_file"), section.get("password_env")
    if (file is None) == (variable is None):
        raise field.wrong("needs one of password_file and password_env, and not both.")
    password = _from_file(file) if file else _from_environment(variable) if variable else None
    return Credentials(username=section.text("username") or None, password=password)


def read_tls(field: Field | None, default: Tls | None = None) -> Tls | None:
    """A ``tls`` block, ``true`` or ``false``; the default where there is none.

    Raises:
        SettingsError: a wrong key, a file that is not there, or a certificate without its key.
    """
    if field is None:
        return default
    if field.is_flag:
        return Tls() if field.flag() else None
    section = field.section("ca_file", "cert_file", "key_file", "check_hostname")
    if section.get("cert_file") and not section.get("key_file"):
        section.need("key_file", "it belongs to cert_file")
    if section.get("key_file"):
        section.need("cert_file", "it belongs to key_file")
    check = section.get("check_hostname")
    return Tls(
        ca_file=_existing(section, "ca_file"),
        cert_file=_existing(section, "cert_file"),
        key_file=_existing(section, "key_file"),
        check_hostname=check.flag() if check else True,
    )


def read_token(section: Section) -> str | None:
    """A bearer token, by ``token_file`` or ``token_env``; ``None`` where there is none.

    Raises:
        SettingsError: it is given twice, or missing or empty where it is said to be.
    """
    file, variable = section.get("token_file"), section.get("token_env")
    if file is not None and variable is not None:
        raise section.field.wrong("has both token_file and token_env; keep one.")
    return _from_file(file) if file else _from_environment(variable) if variable else None


def _from_file(field: Field) -> str:
    try:
        return read_secret(_beside(field), "it")
    except SettingsError as error:
        raise field.wrong(f"cannot be used: {error}") from error


def _from_environment(field: Field) -> str:
    name = field.text()
    if name.startswith(PREFIX):
        raise field.wrong(f"is {quoted(name)}; variables that begin with {PREFIX} are settings, take another name.")
    password = os.environ.get(name, "")
    if not password:
        raise field.wrong(f"names the variable {quoted(name)}, which is not set or empty.")
    return password


def _existing(section: Section, name: str) -> str | None:
    field = section.get(name)
    if field is None:
        return None
    path = _beside(field)
    if not path.is_file():
        raise field.wrong(f"names {quoted(str(path), 200)}, which is not a file that can be read.")
    return str(path)


def _beside(field: Field) -> Path:
    """A relative path is meant from where ``targets.yaml`` is, wherever the bot was started."""
    return field.path.parent / Path(field.text()).expanduser()
