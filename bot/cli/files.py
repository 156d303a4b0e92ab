"""Files that the terminal writes: whole, on the disk, and never over another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, AnyStr

from actions.kit.errors import ActionError, UsageError
from bot.render.words import quoted


@contextmanager
def writing(out: Path | None) -> Iterator[Callable[[str], object]]:
    """Where lines go to: a new file, or stdout. One that could not be written to its end is removed: it would mislead.

    Raises:
        UsageError: the file is there already, or cannot be made.
        ActionError: it cannot be written to its end.
    """
    if out is None:
        with _to(sys.stdout, "The export") as write:
            yield write
        return
    with writing_bytes(out) as write_bytes:
        yield lambda text: write_bytes(text.encode("ascii"))


@contextmanager
def writing_bytes(out: Path) -> Iterator[Callable[[bytes], object]]:
    """As ``writing`` into a new file, of what is no text.

    Raises:
        UsageError: the file is there already, or cannot be made.
        ActionError: it cannot be written to its end.
    """
    name = quoted(str(out), 200)
    try:
        file = out.open("xb")
    except FileExistsError as error:
        raise UsageError(f"{name} is there already, and is not overwritten; name another file.") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be made: {why(error)}.") from error
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
def _to(file: IO[AnyStr], name: str) -> Iterator[Callable[[AnyStr], object]]:
    try:
        yield file.write
        file.flush()
        if file is not sys.stdout:
            os.fsync(file.fileno())  # What it was made of may be removed next.
    except BrokenPipeError:  # Whoever read us has seen enough.
        raise
    except OSError as error:
        raise ActionError(f"{name} cannot be written: {why(error)}.") from error


def why(error: OSError) -> str:
    """What the system says of it."""
    return (error.strerror or "the system gives no reason").lower()
