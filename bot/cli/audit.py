"""``audit verify``, ``export`` and ``timeline`` in a terminal: they only read, and never create a ledger."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sqlalchemy import make_url

from actions.kit.errors import ActionError, UsageError
from bot.cli import screen
from bot.cli.exits import Exit
from bot.cli.records import existing_ledger
from bot.ledger import AuditCheck, Auditor, AuditRow
from bot.ledger.audit import compared, verify_rows
from bot.ledger.exported import read
from bot.render.audit import check_json, check_text
from bot.render.words import counted, quoted

_HASH = re.compile(r"[0-9a-f]{64}")


def verify(file: Path | None, noted: str | None, *, as_json: bool) -> Exit:
    """Verify the ledger's audit, or an export of one; ``noted`` is a last hash that somebody wrote down earlier.

    Raises:
        UsageError: the file cannot be read or is no export, or ``noted`` is no hash.
        LedgerError: the ledger cannot be read.
    """
    expected = None if noted is None else _hash(noted)
    if file is None:
        url = existing_ledger()
        source, check = make_url(url).render_as_string(hide_password=True), asyncio.run(_verified(url, expected))
    else:
        source, check = str(file), _verified_export(file, expected)
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
    with _writing(out) as write:
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


def _verified_export(file: Path, noted: str | None) -> AuditCheck:
    name = quoted(str(file), 200)
    try:
        with file.open("rb") as lines:
            return compared(verify_rows(read(lines, name), noted=noted), noted)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {_why(error)}.") from error


class _NotWritten(Exception):  # noqa: N818 -- Not an error of its own: it carries the system's.
    """The system's error of a write, so that it is not taken for one of the ledger's on its way out."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _writing(out: Path | None) -> Iterator[Callable[[str], object]]:
    """Where lines go to; a file that could not be written to its end would pass for a shorter audit."""
    if out is None:
        with _to(sys.stdout, "The export") as write:
            yield write
        return
    name = quoted(str(out), 200)
    try:
        file = out.open("x", encoding="ascii", newline="\n")
    except FileExistsError as error:
        raise UsageError(f"{name} is there already, and is not overwritten; name another file.") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be made: {_why(error)}.") from error
    try:
        with _to(file, name) as write:
            yield write
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):  # All that was to be written has been flushed, or is given up.
            file.close()


@contextmanager
def _to(file: TextIO, name: str) -> Iterator[Callable[[str], object]]:
    def write(line: str) -> None:
        try:
            file.write(line)
        except OSError as error:
            raise _NotWritten(error) from error

    try:
        yield write
        file.flush()
    except (_NotWritten, OSError) as failed:
        error = failed.error if isinstance(failed, _NotWritten) else failed
        if isinstance(error, BrokenPipeError):  # Whoever read us has seen enough.
            raise error from failed
        raise ActionError(f"{name} cannot be written: {_why(error)}.") from error


def _hash(noted: str) -> str:
    text = noted.strip().lower()
    if not _HASH.fullmatch(text):
        raise UsageError(f"{quoted(noted)} is no hash of the audit: that is 64 hexadecimal digits.")
    return text


def _why(error: OSError) -> str:
    return (error.strerror or "the system gives no reason").lower()


def _exit(check: AuditCheck) -> Exit:
    return Exit.FAILED if check.problem else Exit.AS_IT_SHOULD_BE
