"""``audit verify``, ``export`` and ``timeline`` in a terminal: they only read, and never create a ledger."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

from actions.kit.errors import UsageError
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.files import why, writing
from bot.cli.records import existing_ledger
from bot.ledger import AuditCheck, Auditor, AuditRow
from bot.ledger.chain import verify_export
from bot.ledger.engines import shown
from bot.ledger.exported import read
from bot.render.audit import check_json, check_text
from bot.render.words import counted, quoted

_HASH = re.compile(r"[0-9a-f]{64}")


def verify(file: Path | None, noted: str | None, after: str | None, *, as_json: bool) -> Exit:
    """Verify the ledger's audit, or an export of one.

    Args:
        file: the export.
        noted: a last hash that somebody wrote down earlier.
        after: the last hash of the export that this one continues.
        as_json: for programs.

    Raises:
        UsageError: the file cannot be read or is no export, or ``noted`` is no hash.
        LedgerError: the ledger cannot be read.
    """
    expected, continued = _hash(noted), _hash(after)
    if file is None:
        if continued is not None:
            raise UsageError("--after goes with an export; the ledger itself remembers where its audit begins.")
        url = existing_ledger()
        source, check = shown(url), asyncio.run(_verified(url, expected))
    else:
        source, check = str(file), _verified_export(file, expected, continued)
    if as_json:
        screen.show_json(check_json(check, source, expected))
    else:
        screen.show(check_text(check))
    return _exit(check)


def export(out: Path | None) -> Exit:
    """Write the audit as JSON Lines to a new file, or to stdout; how it ends is told on stderr.

    Raises:
        UsageError: the file is there already, or cannot be made.
        LedgerError: the ledger cannot be read.
        ActionError: the file cannot be written to its end; what was written of it is removed.
    """
    url = existing_ledger()
    with writing(out) as write:
        check = asyncio.run(_exported(url, write))
    if check.problem:
        screen.tell(f"It was exported as it is, but it is not in order. {check.problem}")
    else:
        exported = f"{counted(check.rows, 'row')} exported; the last hash is {check.hash}."
        screen.tell(f"{exported} Note it elsewhere: rows cut off at the end show by nothing else.")
    return _exit(check)


def timeline(request_id: str, *, as_json: bool) -> Exit:
    """What the audit tells of one request, as Markdown; ``FAILED`` where the audit is not in order.

    Raises:
        UnknownRequest: the audit holds nothing of it.
        LedgerError: the ledger cannot be read.
    """
    from bot.ledger.requests import normal_id
    from bot.render import timeline as render

    rows, check = asyncio.run(_about(existing_ledger(), request_id))
    if as_json:
        screen.show_json(render.as_json(normal_id(request_id), rows, check))
    else:
        sys.stdout.write(render.markdown(normal_id(request_id), rows, check))
    return _exit(check)


async def _verified(url: str, noted: str | None) -> AuditCheck:
    async with Auditor.open(url) as auditor:
        return await auditor.verify(noted)


async def _exported(url: str, write: Callable[[str], object]) -> AuditCheck:
    async with Auditor.open(url) as auditor:
        return await auditor.export(write)


async def _about(url: str, request_id: str) -> tuple[tuple[AuditRow, ...], AuditCheck]:
    async with Auditor.open(url) as auditor:
        return await auditor.about(request_id), await auditor.verify()


def _verified_export(file: Path, noted: str | None, after: str | None) -> AuditCheck:
    name = quoted(str(file), 200)
    try:
        with file.open("rb") as lines:
            return verify_export(read(lines, name), noted, after)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {why(error)}.") from error


def _hash(noted: str | None) -> str | None:
    if noted is None:
        return None
    text = noted.strip().lower()
    if not _HASH.fullmatch(text):
        raise UsageError(f"{quoted(noted)} is no hash of the audit: that is 64 hexadecimal digits.")
    return text


def _exit(check: AuditCheck) -> Exit:
    return Exit.FAILED if check.problem else Exit.AS_IT_SHOULD_BE
