"""The options of what changes, as a terminal takes them: which node or shard is meant, and what else is done."""

from __future__ import annotations

from typing import Annotated

import typer

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


def given(**options: str | None) -> dict[str, str]:
    """Those that were given; which of them an action has, it says itself."""
    return {name: value for name, value in options.items() if value}
