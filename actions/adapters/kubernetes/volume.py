"""Rescue copies on a volume of Kubernetes: through a shell in a pod that mounts it, which takes only what is typed.

A shell's input cannot be ended without ending the shell. So what is written is typed as base64, and a dot on a line of
its own ends it. What lies there in the end is hashed by the pod.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.execution import ERRORS, STDERR, STDOUT, exit_code_of, message_of, open_exec
from actions.adapters.kubernetes.failures import ApiError, unreachable
from actions.adapters.kubernetes.questions import PODS
from actions.kit.errors import RescueFailed
from actions.kit.kubernetes import parse
from actions.kit.kubernetes.mounts import Mount, mounts
from actions.kit.rescue_place import Volume

WITHIN_S = 30.0
HASHED_WITHIN_S = 1_800.0
"""Half an hour to read a copy again: 360 GB at 200 MB a second."""
_LINE = 49_152
"""Bytes of one line of base64, a multiple of 3: so no line but the last is padded."""
_IS_THERE = 17
_ENTER = 'umask 077; mkdir -p "$1" && cd "$1" || exit 1; '
_TAKE = _ENTER + 'sed -n \'/^\\.$/q;p\' | base64 -d > "$2" || exit 2; sync; sha256sum < "$2"; wc -c < "$2"'
_NAME = _ENTER + f'[ "$4" = over ] || [ ! -e "$3" ] || exit {_IS_THERE}; mv -f "$2" "$3"'
_ROOM = _ENTER + ": > .room && rm .room || exit 2; df -Pk ."
_READ = _ENTER + f'[ -e "$2" ] || exit {_IS_THERE}; cat "$2"'
_HASH = _ENTER + f'[ -e "$2" ] || exit {_IS_THERE}; sha256sum < "$2"; wc -c < "$2"'
_DROP = _ENTER + 'rm -f "$2"'


class VolumeStore:
    """See ``actions.adapters.rescue.store.Store``. Each target has a folder of its own there.

    Args:
        volume: which one.
        target: the target's name.
        client: of the cluster, and the namespace that the claim is in.
    """

    def __init__(self, volume: Volume, target: str, client: Client) -> None:
        self._volume = volume
        self._target = target
        self._client = client

    @property
    def where(self) -> str:
        """See ``Store.where``."""
        return f"{self._volume}/{self._target}"

    def path(self, file: str) -> str:
        """See ``Store.path``."""
        return f"{self.where}/{file}"

    async def free_bytes(self) -> int | None:
        """See ``Store.free_bytes``."""
        said = await (await self.begin(_ROOM)).result()
        try:
            return int(said.splitlines()[-1].split()[3]) * 1024
        except (LookupError, ValueError):
            raise RescueFailed(f"df says nothing that can be read about {self.where}: {said[:100]!r}.") from None

    async def read(self, file: str) -> bytes | None:
        """See ``Store.read``."""
        shell = await self.begin(_READ, file)
        said = await shell.result(unless=_IS_THERE)
        return None if shell.code == _IS_THERE else said.encode()

    async def put(self, file: str, content: bytes, *, over: bool) -> None:
        """See ``Store.put``."""
        draft = VolumeDraft(self, file, await self.begin(_TAKE, _partial(file)))
        try:
            await draft.write(content)
            await draft.finish()
            await self.name(file, over=over)
        finally:
            await draft.discard()

    async def draft(self, file: str) -> VolumeDraft:
        """See ``Store.draft``."""
        if await self._hashed(file) is not None:
            raise RescueFailed(f"{self.path(file)} is there already, and no copy is ever written over.")
        return VolumeDraft(self, file, await self.begin(_TAKE, _partial(file)))

    async def intact(self, file: str, size_bytes: int, sha256: str, proof: Mapping[str, Any]) -> bool | None:  # noqa: ARG002 -- A file is its own proof.
        """See ``Store.intact``."""
        found = await self._hashed(file)
        return None if found is None else found == (size_bytes, sha256)

    async def name(self, file: str, *, over: bool = False) -> bool:
        """Give the file that was written its name; ``False`` where there is one of that name, which stays."""
        shell = await self.begin(_NAME, _partial(file), file, "over" if over else "")
        await shell.result(unless=_IS_THERE)
        return shell.code == 0

    async def drop(self, file: str) -> None:
        """Remove what was written and has no name yet."""
        await (await self.begin(_DROP, _partial(file))).result()

    async def begin(self, script: str, *arguments: str) -> Shell:
        """Start a script in a pod that mounts the volume.

        Raises:
            RescueFailed: there is none.
            ApiError: the API server does not let us, or does not answer.
        """
        mount = await self._mount()
        folder = "/".join(filter(None, (mount.path, self._volume.folder, self._target)))
        command = ("sh", "-c", script, "sh", folder, *arguments)
        stream = await self._client.bounded(
            lambda: open_exec(self._client, mount.pod, mount.container, command), WITHIN_S
        )
        return Shell(self._client, stream, f"{self.where} (pod {mount.pod})")

    async def _mount(self) -> Mount:
        claim, space = self._volume.claim, self._client.place.namespace
        pods = await self._client.list(PODS)
        found = [mount for each in parse.items(pods, lambda one: tuple(mounts(one, claim))) for mount in each]
        if not found:
            raise RescueFailed(
                f"No running pod in namespace {space} mounts the claim {claim} so that it can be written; rescue "
                "copies go there through such a pod. deploy/kubernetes/rescue-volume.yaml is one."
            )
        return min(found, key=lambda mount: mount.pod)

    async def _hashed(self, file: str) -> tuple[int, str] | None:
        shell = await self.begin(_HASH, file)
        said = await shell.result(HASHED_WITHIN_S, unless=_IS_THERE)
        return None if shell.code == _IS_THERE else _size_and_hash(said)


class Shell:
    """A script that runs in a pod; ``code`` is how it ended, ``None`` before and where that is not known."""

    def __init__(self, client: Client, stream: Any, where: str) -> None:
        self._client = client
        self._stream = stream
        self._where = where
        self.code: int | None = None

    async def type(self, lines: str) -> None:
        """Type this; it waits for the pod. Where the script has ended it says why.

        Raises:
            RescueFailed: the script has ended.
        """
        if not await self._client.bounded(lambda: self._typed(lines), WITHIN_S):
            await self.result()
            raise RescueFailed(f"What {self._where} is to take it stopped taking in the middle.")

    async def result(self, within_s: float = WITHIN_S, *, unless: int = 0) -> str:
        """Wait until it has ended: what it printed.

        Args:
            within_s: for so long.
            unless: a code by which it tells something, beside 0.

        Raises:
            RescueFailed: it failed; in the pod's words.
            ApiError: it did not end in time.
        """
        printed, complained, status = await self._client.bounded(lambda: self._ended(within_s), within_s)
        self.code = exit_code_of(status)
        if self.code not in {0, unless}:
            why = " ".join((complained or message_of(status) or "the connection broke").split())[:200]
            full = " Free some there, or set another place for rescue copies." if "space" in why else ""
            raise RescueFailed(f"{self._where} did not take it: {why.rstrip('.')}.{full}")
        return printed

    async def kill(self) -> None:
        """End it, whatever it does."""
        await self._client.bounded(self._stream.sock.shutdown)

    def _typed(self, lines: str) -> bool:
        """Whether it went through; it blocks."""
        from websocket import WebSocketException  # noqa: PLC0415 -- The SDK brings it.

        self._stream.sock.settimeout(WITHIN_S)
        try:
            self._stream.write_stdin(lines)
        except (WebSocketException, OSError):
            return False
        return True

    def _ended(self, within_s: float) -> tuple[str, str, str]:
        stream = self._stream
        try:
            stream.run_forever(timeout=within_s)
            if stream.is_open():
                raise unreachable(self._client.host, TimeoutError())
            return tuple(str(stream.read_channel(channel)) for channel in (STDOUT, STDERR, ERRORS))  # type: ignore[return-value]  # Three of them.
        finally:
            stream.sock.shutdown()  # close() waits for an answer to its farewell, and may leave the socket open.


class VolumeDraft:
    """See ``actions.adapters.rescue.store.Draft``."""

    def __init__(self, store: VolumeStore, file: str, shell: Shell) -> None:
        self._store = store
        self._file = file
        self._shell = shell
        self._waiting = b""
        self._size = 0
        self._is_finished = self._is_named = False

    async def write(self, chunk: bytes) -> None:
        """See ``Draft.write``."""
        self._size += len(chunk)
        waiting = self._waiting + chunk
        whole = len(waiting) - len(waiting) % _LINE
        self._waiting = waiting[whole:]
        for start in range(0, whole, _LINE):
            await self._shell.type(_line(waiting[start : start + _LINE]))

    async def finish(self) -> tuple[int, str]:
        """Nothing more comes: the size and the hash of what the pod has of it."""
        await self._shell.type(f"{_line(self._waiting)}.\n")
        said = await self._shell.result(HASHED_WITHIN_S)
        self._is_finished = True
        return _size_and_hash(said)

    async def seal(self, sha256: str) -> Mapping[str, Any]:
        """See ``Draft.seal``: the pod reads it again."""
        if await self.finish() != (self._size, sha256):
            raise RescueFailed(f"What lies at {self._store.path(self._file)} is not what was written there.")
        return {}

    async def publish(self) -> None:
        """See ``Draft.publish``."""
        if not await self._store.name(self._file):
            raise RescueFailed(f"{self._store.path(self._file)} is there already, and no copy is ever written over.")
        self._is_named = True

    async def discard(self) -> None:
        """See ``Draft.discard``."""
        if self._is_named:
            return
        try:
            if not self._is_finished:
                await self._shell.kill()
            await self._store.drop(self._file)
        except (ApiError, RescueFailed):
            return  # The next attempt writes over it.


def _line(content: bytes) -> str:
    return base64.b64encode(content).decode() + "\n" if content else ""


def _partial(file: str) -> str:
    return f".{file}.partial"


def _size_and_hash(said: str) -> tuple[int, str]:
    """What sha256sum and wc print."""
    words = said.split()
    if len(words) != 3 or not words[2].isdigit():
        raise RescueFailed(f"The pod's sha256sum and wc print what cannot be read: {said[:100]!r}.")
    return int(words[2]), words[0]
