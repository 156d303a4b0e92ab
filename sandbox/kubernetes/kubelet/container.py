"""Runs one container as a process of this machine, and knows in which state it is."""

import asyncio
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.kubernetes.api.resources import Json, timestamp
from sandbox.kubernetes.kubelet import logs, processes
from sandbox.kubernetes.kubelet.images import Image, find_program
from sandbox.redis.server import die_with_parent

_REFERENCE = re.compile(r"\$\((\w+)\)")


@dataclass(frozen=True)
class Surroundings:
    """What a container is given by its pod: `root` stands for its file system, with its volumes in it.

    `environment` is what programs here need to know of their pod beside what its object says. `before` are words that
    go before those of each of its programs.
    """

    pod_uid: str
    root: Path
    environment: Mapping[str, str]
    before: tuple[str, ...] = ()


@dataclass
class Container:
    """One container of a pod: its present state, the one before, and whether its probes are content.

    One that `crashes` is killed whenever it is started. `spoiled` is what its readiness probe is made to say, `end` the
    reason that is given for its next end.
    """

    spec: Json
    place: Surroundings
    state: Json = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Json = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    crashes: bool = False
    spoiled: str = ""
    end: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    _collecting: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """As its pod calls it."""
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.returncode is None

    @property
    def programs(self) -> Path:
        """The folder with what its image holds."""
        return self.place.root / "bin"

    def log(self, *, previous: bool = False) -> Path:
        """Where it prints to, or printed to before its last restart."""
        return self.place.root / f"{self.restarts - previous}.log"

    def environment(self) -> dict[str, str]:
        """What every process in it sees."""
        return {"PATH": str(self.programs), **self.place.environment, **self.variables}

    def words(self, command: str, *arguments: str) -> list[str]:
        """What to start on this machine for a command in the container.

        Raises:
            NoSuchProgram: it is not in the image.
        """
        return [*die_with_parent(), *self.place.before, find_program(self.programs, command), *arguments]

    def inside(self, word: str) -> str:
        """A word of a command; a path on one of its volumes is what lies there on this machine."""
        for volume in self.spec.get("volumeMounts") or ():
            path = volume["mountPath"].rstrip("/")
            if word == path or word.startswith(f"{path}/"):
                return str(self.place.root / word.strip("/"))
        return word

    def unpack(self, image: Image) -> None:
        """Lay the image out; what lay there stays."""
        if not self.programs.exists():
            image.unpack(self.programs)

    async def start(self, image: Image) -> None:
        """Start its process.

        Raises:
            NoSuchProgram: its command is not in the image.
            OSError: the machine does not start it.
        """
        command = [*(self.spec.get("command") or image.entrypoint), *(self.spec.get("args") or ())]
        environment = self.environment()
        first, *rest = [_REFERENCE.sub(lambda found: environment.get(found[1], found[0]), word) for word in command]
        self.process = await processes.start(self.words(first, *rest), environment, self.place.root)
        if self.process.stdout is not None:
            self._collecting = asyncio.create_task(logs.collect(self.process.stdout, self.log()))
        self.state = {"running": {"startedAt": timestamp()}}
        self.started = "startupProbe" not in self.spec
        if self.crashes:
            self.signal(signal.SIGKILL)

    async def ended(self) -> int:
        """Wait until its process ends, and note how; its exit code, 128 and the number for a signal."""
        if self.process is None:
            return 0
        code = await self.process.wait()
        code = code if code >= 0 else 128 - code
        processes.send(self.process, signal.SIGKILL)
        await self.drained()
        self.ready = self.started = False
        reason, self.end = self.end or ("Completed" if code == 0 else "Error"), ""
        began = self.state.get("running", {}).get("startedAt", timestamp())
        self.state = {
            "terminated": {
                "exitCode": code,
                "reason": reason,
                "startedAt": began,
                "finishedAt": timestamp(),
                "containerID": self._id(),
            }
        }
        return code

    async def drained(self) -> None:
        """Wait until all that it printed is in its log."""
        if self._collecting is not None:
            await asyncio.shield(self._collecting)

    def wait_with(self, reason: str, message: str) -> None:
        """Note why it does not run; what it was before is its last state."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, "message": message}}

    def count_restart(self) -> None:
        """It is about to be started once more."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.restarts += 1

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to all its processes; nothing where none lives."""
        if self.process is not None and self.running:
            processes.send(self.process, sign)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and SIGKILL to what is still there after so many seconds."""
        if self.process is None or not self.running:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), grace_s)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.process.wait()

    def status(self) -> Json:
        """As it stands in the pod's status."""
        image, pulled = self.spec["image"], "waiting" not in self.state
        status: Json = {
            "name": self.name,
            "image": image,
            "imageID": f"{image.partition(':')[0]}@sha256:{'0' * 64}" if pulled else "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last_state,
        }
        if "running" in self.state:
            status["containerID"] = self._id()
        return status

    def _id(self) -> str:
        return f"containerd://{self.place.pod_uid.replace('-', '')}{self.name.encode().hex()}{self.restarts:04x}"[:77]
