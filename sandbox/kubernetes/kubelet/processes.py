"""Starts and ends processes, so that neither a cancelled start nor a killed one leaves anything behind."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any


async def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    stdin: int = DEVNULL,
    stdout: int = PIPE,
    stderr: int = STDOUT,
) -> Process:
    """Start a process in a session of its own; one whose start is cancelled is ended again.

    Raises:
        OSError: the machine does not start it.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *words,
            env=environment,
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _to_its_end(_end_what_starts(starting))
        raise


def send(process: Process, sign: signal.Signals) -> None:
    """Send a signal to the process and to all that it has started; nothing where none lives.

    Not by asyncio, which would reap a process that has just ended before whoever waits for it hears how.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, sign)


async def end(process: Process) -> None:
    """Kill what is left of it, and wait until it is gone and its pipes with it, however often that is cancelled."""
    await _to_its_end(_end(process))


async def _end(process: Process) -> None:
    if process.returncode is None:
        send(process, signal.SIGKILL)
        await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    for output in (process.stdout, process.stderr):
        if output is not None:
            await output.read()


async def _end_what_starts(starting: asyncio.Future[Process]) -> None:
    with contextlib.suppress(OSError):
        await _end(await starting)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Cancelled in the middle, as by a time-out and then by the end of its pod, it would leave pipes open."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()
