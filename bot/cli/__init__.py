"""The terminal: ``tandem …`` with the words of the channel. An error is one sentence on stderr and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actions.kit.errors import ActionError, Refused, TandemError
from bot.cli import screen
from bot.cli.exits import Exit


def main() -> None:
    """Run one command and exit with its code. The entry point of the console script."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except BrokenPipeError:  # Whoever read us has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)


def _run(words: Sequence[str]) -> int:
    try:
        code = _plain_look(words)
        if code is None:
            code = _any_command()
        sys.stdout.flush()
    except TandemError as error:
        screen.tell(str(error))
        return _exit_of_error(error)
    except KeyboardInterrupt:
        return 130
    return code


def _plain_look(words: Sequence[str]) -> int | None:
    """A look with at most a target and ``--json``, which needs no Typer; ``None`` for anything else.

    That brings pydantic and costs more than to start Python, load everything else and ask a whole fleet.
    """
    command, rest = words[0] if words else "", [word for word in words[1:] if word != "--json"]
    most = {"status": 0, "health": 1, "diagnose": 1}.get(command)
    if most is None or len(rest) > most or any(word.startswith("-") for word in rest):
        return None
    with _uncollected():
        from bot.cli import looking  # noqa: PLC0415 -- The other commands do without Redis.

        as_json = "--json" in words
        if command == "status":
            return looking.status(as_json=as_json)
        look = looking.health if command == "health" else looking.diagnose
        return look(rest[0] if rest else None, as_json=as_json)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no garbage: one look is over before there is any to speak of."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # Else Python goes through everything once more as it ends.
        gc.enable()


def _any_command() -> int:
    import typer  # noqa: PLC0415 -- See ``_plain_look``.

    from bot.cli.app import app  # noqa: PLC0415

    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        sentence = error.format_message()
        stop = "" if sentence.endswith((".", "?")) else "."
        screen.tell(f"{sentence}{stop} Type {_command_of(error)} --help for what there is.")
        return Exit.USAGE
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else Exit.AS_IT_SHOULD_BE


def _command_of(error: Exception) -> str:
    """The command whose words were wrong, as it is typed: ``tandem``, ``tandem audit export``."""
    names: list[str] = []
    context = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        names.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(("tandem", *names))


def _exit_of_error(error: TandemError) -> Exit:
    if isinstance(error, Refused):
        return Exit.REFUSED
    return Exit.FAILED if isinstance(error, ActionError) else Exit.USAGE
