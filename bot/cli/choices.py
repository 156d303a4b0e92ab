"""The options of what changes, as a terminal takes them: which node or shard is meant, and what else is done."""

from __future__ import annotations

from typing import Annotated

import typer

from actions.kit.errors import UsageError

To = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The replica that shall become master. With ElastiCache also its name."),
]
Shard = Annotated[str | None, typer.Option(metavar="SLOT", help="Of a cluster: which shard.")]
Host = Annotated[str | None, typer.Option(metavar="HOST", help="Of a cluster: all masters on this host.")]
Application = Annotated[
    str | None, typer.Option(metavar="WHAT", help="The application on Kubernetes: switch, roll-back or leave.")
]

Keep = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Of a split brain: the master that is kept, where nothing else decides."),
]

Database = Annotated[
    str | None, typer.Option("--db", metavar="N", help="For flush: only the database of this number, such as 0.")
]

Settings = Annotated[
    list[str] | None, typer.Argument(metavar="NAME=VALUE", help="For tune: what to set, such as maxmemory=4gb.")
]


def settings_in(target: str | None, words: list[str] | None) -> tuple[str | None, dict[str, str]]:
    """The target, and the settings by their names; a target that was left out is none.

    Raises:
        UsageError: a word is no setting, or one is there twice.
    """
    said = [word for word in (target, *(words or [])) if word]
    name = said.pop(0) if said and "=" not in said[0] else None
    settings: dict[str, str] = {}
    for word in said:
        key, has_value, value = word.partition("=")
        if not has_value:
            raise UsageError(f"{word[:60]!r} is one word too many; settings are typed as NAME=VALUE.")
        if key.lower() in settings:
            raise UsageError(f"{key.lower()} is there twice; keep one.")
        settings[key.lower()] = value
    return name, settings


def given(**options: str | None) -> dict[str, str]:
    """Those that were given; which of them an action has, it says itself."""
    return {name: value for name, value in options.items() if value}
