"""``ledger upgrade`` and ``ledger prune`` in a terminal: what operators do to the database itself."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

from actions.kit.errors import UsageError
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.files import writing
from bot.cli.records import existing_ledger
from bot.environment import ledger_url
from bot.ledger import TANDEM, schema
from bot.ledger.database import Database
from bot.ledger.exported import line
from bot.ledger.prune import LEAST, Pruner, Pruning
from bot.render.words import counted, quoted

_DAYS = re.compile(r"(\d{1,5})d")


def upgrade() -> Exit:
    """Bring the ledger to this version's schema; an empty database becomes a ledger.

    Raises:
        LedgerError: it cannot be used, or a newer version wrote it.
    """
    name, before = asyncio.run(_upgraded(ledger_url()))
    newest = schema.REVISIONS[-1]
    if before is None:
        screen.tell(f"The ledger {name} was made, with schema {newest}.")
    elif before == newest:
        screen.tell(f"The ledger {name} has schema {newest} already: nothing to do.")
    else:
        screen.tell(f"The ledger {name} was upgraded from schema {before} to {newest}.")
    return Exit.AS_IT_SHOULD_BE


def prune(older_than: str, export: Path | None, *, discard: bool, yes: bool) -> Exit:
    """Remove what was over that long ago, and the oldest rows of the audit, which are written to a file first.

    Raises:
        UsageError: the age is none, or neither a file is named nor ``discard`` said, or nobody can be asked.
        Refused: the audit is not in order.
        LedgerError: the ledger cannot be used.
        ActionError: the file cannot be written to its end; nothing was removed.
    """
    age = _age(older_than)
    if (export is None) != discard:
        raise UsageError("Say either --export FILE, where the rows of the audit that go are written to, or --discard.")
    if not yes and not sys.stdin.isatty():
        raise UsageError("Here nobody can be asked whether to go on: add --yes.")
    return asyncio.run(_pruned(existing_ledger(), age, export, yes=yes))


async def _upgraded(url: str) -> tuple[str, str | None]:
    database = Database(url)
    try:
        return database.name, await schema.ensure(database)
    finally:
        await database.aclose()


async def _pruned(url: str, age: timedelta, export: Path | None, *, yes: bool) -> Exit:
    async with Pruner.open(url) as pruner:
        pruning = await pruner.planned(age)
        if pruning.is_nothing:
            screen.tell(f"Nothing was over before {pruning.cutoff:%Y-%m-%d}: nothing to remove.")
            return Exit.AS_IT_SHOULD_BE
        screen.tell(f"What was over before {pruning.cutoff:%Y-%m-%d}: {_what(pruning)}.")
        if not yes and not screen.agreed("Remove it for good?"):
            screen.tell("Nothing was removed.")
            return Exit.REFUSED
        if export is not None:
            await _export(pruner, pruning, export)
        await pruner.carry_out(pruning, TANDEM, by=_login(), exported=export is not None)
    screen.tell(f"Removed. The audit begins with row {pruning.last + 1} now.")
    return Exit.AS_IT_SHOULD_BE


async def _export(pruner: Pruner, pruning: Pruning, out: Path) -> None:
    with writing(out) as write:
        async for row in pruner.rows(pruning):
            write(line(row))
    screen.tell(f"The rows that go are in {quoted(str(out), 200)}; the last hash there is {pruning.hash}.")


def _age(older_than: str) -> timedelta:
    match = _DAYS.fullmatch(older_than.strip())
    if match is None:
        raise UsageError(f"{quoted(older_than)} is no age: write days, such as 400d.")
    if (age := timedelta(days=int(match[1]))) < LEAST:
        raise UsageError(f"What is younger than {LEAST.days} days stays: cooldowns, tokens and reviews go by it.")
    return age


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A container's user need not have a name.
        return str(os.getuid())


def _what(pruning: Pruning) -> str:
    parts = (
        (len(pruning.requests), "request"),
        (len(pruning.tokens), "token"),
        (len(pruning.messages), "message"),
    )
    rows = f"{counted(pruning.rows, 'row')} of the audit"
    return ", ".join([*(counted(count, noun) for count, noun in parts), rows])
