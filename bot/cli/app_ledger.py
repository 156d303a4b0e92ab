"""The commands that operators run on the ledger, and their words."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.exits import Exit

ledger = typer.Typer(help="Upgrade the ledger, or remove what is old from it.")


@ledger.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """Show the help where no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@ledger.command()
def upgrade() -> Exit:
    """Bring the ledger to the schema of this version; the bot does so too when it starts."""
    from bot.cli import ledger as work

    return work.upgrade()


@ledger.command()
def prune(
    older_than: Annotated[str, typer.Option(metavar="DAYS", help="How long ago it was over, such as 400d.")],
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file for the rows of the audit that go.")
    ] = None,
    *,
    discard: Annotated[bool, typer.Option("--discard", help="Keep no copy of these rows.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for programs.")] = False,
) -> Exit:
    """Remove requests and tokens that were over that long ago, and the oldest rows of the audit."""
    from bot.cli import ledger as work

    return work.prune(older_than, export, discard=discard, yes=yes)
