"""Rescue copies in a folder of this host: nobody else can read them, and nothing has its name before it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from actions.kit.errors import RescueFailed

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BLOCK = 1_048_576


class FolderStore:
    """See ``Store``. Each target has a folder of its own in it, that only we may enter.

    Args:
        root: the folder that is set.
        target: the target's name.
    """

    def __init__(self, root: str, target: str) -> None:
        self._folder = Path(root) / target

    @property
    def where(self) -> str:
        """See ``Store.where``."""
        return f"folder {self._folder}"

    def path(self, file: str) -> str:
        """See ``Store.path``."""
        return str(self._folder / file)

    async def free_bytes(self) -> int | None:
        """See ``Store.free_bytes``."""
        return await asyncio.to_thread(self._free_bytes)

    async def read(self, file: str) -> bytes | None:
        """See ``Store.read``."""
        return await asyncio.to_thread(self._read, file)

    async def put(self, file: str, content: bytes, *, over: bool) -> None:
        """See ``Store.put``."""
        await asyncio.to_thread(self._put, file, content, over=over)

    async def draft(self, file: str) -> FolderDraft:
        """See ``Store.draft``."""
        return await asyncio.to_thread(self._draft, file)

    async def intact(self, file: str, size_bytes: int, sha256: str, proof: Mapping[str, Any]) -> bool | None:  # noqa: ARG002 -- A file is its own proof.
        """See ``Store.intact``."""
        with self._said("be read"):
            found = await asyncio.to_thread(_hashed, self._folder / file)
        return None if found is None else found == (size_bytes, sha256)

    def _free_bytes(self) -> int:
        with self._said("be written"):
            self._make()
            if not os.access(self._folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return shutil.disk_usage(self._folder).free

    def _read(self, file: str) -> bytes | None:
        with self._said("be read"), contextlib.suppress(FileNotFoundError):
            return (self._folder / file).read_bytes()
        return None

    def _put(self, file: str, content: bytes, *, over: bool) -> None:
        with self._said("be written"):
            self._make()
            if not over and (self._folder / file).exists():
                return
        draft = self._draft(file, over=over)
        try:
            draft.add(content)
            draft.settle()
            draft.rename()
        finally:
            draft.drop()

    def _draft(self, file: str, *, over: bool = False) -> FolderDraft:
        with self._said("be written"):
            self._make()
            self._sweep()
            return FolderDraft(self._folder / file, over=over)

    def _sweep(self) -> None:
        """Remove what processes that were killed had begun."""
        for partial in self._folder.glob(".*.partial"):
            with contextlib.suppress(OSError), partial.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                partial.unlink()

    def _make(self) -> None:
        """The folder, which is ours alone: whoever could enter it could take the place of a copy."""
        with contextlib.suppress(FileExistsError):
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700)
        found = self._folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise RescueFailed(f"{self._folder} is not a folder of the user that Tandem runs as; move it away.")
        if stat.S_IMODE(found.st_mode) != 0o700:
            self._folder.chmod(0o700)

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise as_failure(self._folder, what, error) from error


class FolderDraft:
    """See ``Draft``. Whoever writes it holds a lock, which ends with the process: what it left then is written over."""

    def __init__(self, path: Path, *, over: bool = False) -> None:
        self._path = path
        self._over = over
        self._partial = path.with_name(f".{path.name}.partial")
        self._size = 0
        if not over and path.exists():
            raise RescueFailed(f"{path} is there already, and no copy is ever written over.")
        self._fd = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
        except BlockingIOError as error:
            os.close(self._fd)
            raise RescueFailed(f"{path} is being written by another process; wait for it.") from error

    async def write(self, chunk: bytes) -> None:
        """See ``Draft.write``."""
        await asyncio.to_thread(self.add, chunk)

    async def seal(self, sha256: str) -> Mapping[str, Any]:
        """See ``Draft.seal``."""
        await asyncio.to_thread(self.settle)
        found = await asyncio.to_thread(_hashed, self._partial)
        if found != (self._size, sha256):
            raise RescueFailed(f"What lies at {self._partial} is not what was written there; check that disk.")
        return {}

    async def publish(self) -> None:
        """See ``Draft.publish``."""
        await asyncio.to_thread(self.rename)

    async def discard(self) -> None:
        """See ``Draft.discard``."""
        await asyncio.to_thread(self.drop)

    def add(self, chunk: bytes) -> None:
        """As ``write``; it blocks."""
        try:
            view = memoryview(chunk)
            while view:
                view = view[os.write(self._fd, view) :]
            self._size += len(chunk)
        except OSError as error:
            raise as_failure(self._path.parent, "be written", error, self._size) from error

    def settle(self) -> None:
        """All of it is on the disk."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise as_failure(self._path.parent, "be written", error, self._size) from error

    def rename(self) -> None:
        """As ``publish``; it blocks."""
        if not self._over and self._path.exists():
            raise RescueFailed(f"{self._path} is there already, and no copy is ever written over.")
        self._partial.rename(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self) -> None:
        """As ``discard``; it blocks."""
        if self._fd >= 0:
            self._partial.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = -1


def as_failure(folder: Path, what: str, error: OSError, written: int = 0) -> RescueFailed:
    """Why nothing comes of it, and what to do."""
    if error.errno in _FULL:
        after = f" after {written:,} bytes" if written else ""
        return RescueFailed(
            f"There is no room left in {folder}{after}: {error.strerror}. "
            "What was written of the copy is removed again; free some, or set another place for rescue copies."
        )
    return RescueFailed(f"{folder} cannot {what}: {error.strerror or error}. It is where rescue copies go.")


def _hashed(path: Path) -> tuple[int, str] | None:
    """Its size and its sha256; ``None`` where it is not there."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):  # What the disk has, not what memory has.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        return None
    return size, digest.hexdigest()
