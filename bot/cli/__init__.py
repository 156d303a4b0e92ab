"""The terminal: ``tandem …`` with the words of the channel. An error is one sentence on stderr and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from actions.kit.errors import ActionError, Refused, TandemError
from bot.cli import screen
from bot.cli.app import app
from bot.cli.exits import Exit


def main() -> None:
    """Run one command and exit with its code. The entry point of the console script."""
    try:
        sys.exit(_run())
    except BrokenPipeError:  # Whoever read us has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)


def _run() -> int:
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        screen.tell(f"{error.format_message()} Type tandem --help for what there is.")
        return Exit.USAGE
    except typer.Abort:
        return 130
    except TandemError as error:
        screen.tell(str(error))
        return _exit_of_error(error)
    return code if isinstance(code, int) else Exit.AS_IT_SHOULD_BE


def _exit_of_error(error: TandemError) -> Exit:
    if isinstance(error, Refused):
        return Exit.REFUSED
    return Exit.FAILED if isinstance(error, ActionError) else Exit.USAGE
