"""Carries one pod through its life: images, containers, probes, restarts with growing pauses, and its end."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.kubernetes.api.events import record_event
from sandbox.kubernetes.api.resources import PODS, Json, key_of
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.kubelet import processes, volumes
from sandbox.kubernetes.kubelet.container import Container, Surroundings
from sandbox.kubernetes.kubelet.health import Health
from sandbox.kubernetes.kubelet.images import Image, NoSuchProgram, find_program
from sandbox.kubernetes.kubelet.names import with_names
from sandbox.kubernetes.kubelet.status import pod_status

_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 10, 300
_WELL_S = 600
"""A container that ran so long has recovered: its next restart comes at once again."""


@dataclass(frozen=True)
class Node:
    """What all pods share: `pace` is how long one second of Kubernetes' own waiting takes here, in seconds.

    With `own_names` all that looks names up finds those of the cluster, else only programs that read `names_file`.
    """

    store: Store
    folder: Path
    images: Mapping[str, Image]
    pace: float
    names_file: Path
    own_names: bool

    @property
    def storage(self) -> Path:
        """Where the content of claims is."""
        return self.folder / "storage"


class RunningPod:
    """One pod on the node, from its start to its end."""

    def __init__(self, node: Node, pod: Json, ip: str) -> None:
        self._node = node
        self.pod = pod
        self.ip = ip
        self.namespace, self.name = key_of(pod)
        self.folder = node.folder / "pods" / pod["metadata"]["uid"]
        self.containers = {spec["name"]: self._container(spec) for spec in pod["spec"]["containers"]}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: asyncio.Task[None] | None = None
        self._eviction = ""

    def _container(self, spec: Json) -> Container:
        root = self.folder / spec["name"]
        own = {"SANDBOX_ROOT": str(root), "SANDBOX_POD_IP": self.ip, "SANDBOX_HOSTS": str(self._node.names_file)}
        before = with_names(self._node.names_file) if self._node.own_names else ()
        return Container(spec, Surroundings(self.pod["metadata"]["uid"], root, own, before))

    def start(self) -> None:
        """Begin to keep every container running."""
        for container in self.containers.values():
            container.place.root.mkdir(parents=True, exist_ok=True)
            self._spawn(self._keep(container))
        self.tell()

    def tell(self) -> None:
        """Write down how it is."""
        pod = self._node.store.find(PODS, self.namespace, self.name)
        if pod is not None:
            status = pod_status(pod, self.ip, self.containers, self._eviction)
            self._node.store.write(PODS, self.pod, status=status)

    def end(self, grace_s: float) -> None:
        """Begin to end it, as whoever deletes it asks; a shorter grace than before counts."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(grace_s))
        elif grace_s == 0:
            self.signal(signal.SIGKILL)

    def evict(self, message: str) -> None:
        """End its containers for want of something on the node; what is left says why."""
        self._eviction = message
        self.end(0)

    def signal(self, sign: signal.Signals, container: str = "") -> None:
        """Send a signal to the processes of one container, or of all."""
        for name, one in self.containers.items():
            if container in ("", name):
                one.signal(sign)

    async def ended(self) -> None:
        """Wait until nothing of it runs any more; what went wrong in keeping it is raised here."""
        if self._ending is not None:
            await asyncio.shield(self._ending)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    def _event(self, reason: str, message: str, container: Container, warning: bool = False) -> None:
        record_event(
            *(self._node.store, self.pod, reason, message),
            source="kubelet",
            warning=warning,
            container=container.name,
        )

    async def _keep(self, container: Container) -> None:
        """Start the container, and start it again whenever it ends, as the pod's restart policy says."""
        failures = 0
        while True:
            image = await self._pulled(container)
            began = time.monotonic()
            if await self._started(container, image):
                watching = self._spawn(Health(container, self.ip, self._node.pace, self.tell, self._event).watch())
                code = await container.ended()
                watching.cancel()
            else:
                code = 128
            self.tell()
            policy = self.pod["spec"].get("restartPolicy")
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            failures = 1 if time.monotonic() - began > _WELL_S * self._node.pace else failures + 1
            await self._back_off(container, failures)

    async def _pulled(self, container: Container) -> Image:
        """The image, as soon as there is one of that name."""
        name, pause = container.spec["image"], _FIRST_BACK_OFF_S
        while (image := self._node.images.get(name)) is None:
            problem = f'failed to resolve reference "{name}": {name}: not found'
            container.wait_with("ErrImagePull", problem)
            self.tell()
            self._event("Failed", f'Failed to pull image "{name}": {problem}', container, warning=True)
            self._event("Failed", "Error: ErrImagePull", container, warning=True)
            await self._pause(1)
            container.wait_with("ImagePullBackOff", f'Back-off pulling image "{name}": ErrImagePull: {problem}')
            self.tell()
            self._event("BackOff", f'Back-off pulling image "{name}"', container)
            self._event("Failed", "Error: ImagePullBackOff", container, warning=True)
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_BACK_OFF_S)
        if not container.restarts:
            self._event("Pulled", f'Container image "{name}" already present on machine', container)
        return image

    async def _started(self, container: Container, image: Image) -> bool:
        """Whether it runs; else its state says why not."""
        try:
            container.unpack(image)
            volumes.mount(self._node.store, self.pod, container.spec, container.place.root, self._node.storage)
            container.variables = volumes.environment(self._node.store, self.pod, container.spec, self.ip)
            await container.start(image)
        except volumes.Missing as missing:
            container.wait_with("CreateContainerConfigError", str(missing))
            self._event("Failed", f"Error: {missing}", container, warning=True)
            return False
        except (NoSuchProgram, OSError) as problem:
            text = f"failed to create containerd task: OCI runtime create failed: {problem}"
            container.wait_with("RunContainerError", text)
            self._event("Failed", f"Error: {text}", container, warning=True)
            return False
        self._event("Created", f"Created container: {container.name}", container)
        self._event("Started", f"Started container {container.name}", container)
        self.tell()
        return True

    async def _back_off(self, container: Container, failures: int) -> None:
        """The first restart comes at once, each later one after twice the pause of the one before."""
        if failures > 1:
            pause = min(_FIRST_BACK_OFF_S * 2 ** (failures - 2), _LONGEST_BACK_OFF_S)
            pod = f"{self.name}_{self.namespace}({self.pod['metadata']['uid']})"
            what = f"restarting failed container={container.name} pod={pod}"
            if "waiting" not in container.state:
                container.wait_with("CrashLoopBackOff", f"back-off {pause}s {what}")
            self.tell()
            told = f"Back-off restarting failed container {container.name} in pod {pod}"
            self._event("BackOff", told, container, warning=True)
            await self._pause(pause)
        container.count_restart()

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._node.pace)

    async def _end(self, grace_s: float) -> None:
        for task in self._tasks:
            task.cancel()
        problems = await asyncio.gather(*self._tasks, return_exceptions=True)
        running = [container for container in self.containers.values() if container.running]
        for container in running:
            container.ready = False
            self._event("Killing", f"Stopping container {container.name}", container)
        self.tell()
        await asyncio.gather(*(self._stop(container, grace_s) for container in running))
        self.tell()
        await asyncio.gather(*(container.drained() for container in self.containers.values()))
        if not self._eviction:
            self._node.store.delete(PODS, self.pod, 0)
        for problem in problems:
            if isinstance(problem, Exception):
                raise problem

    async def _stop(self, container: Container, grace_s: float) -> None:
        hook = ((container.spec.get("lifecycle") or {}).get("preStop") or {}).get("exec")
        if hook and grace_s:
            await self._run_hook(container, hook["command"], grace_s)
        await container.stop(grace_s)
        await container.ended()

    async def _run_hook(self, container: Container, command: list[str], grace_s: float) -> None:
        try:
            program = find_program(container.programs, command[0])
        except NoSuchProgram as missing:
            self._event("FailedPreStopHook", f"PreStopHook failed: {missing}", container, warning=True)
            return
        words = (program, *command[1:])
        process = await processes.start(words, container.environment(), container.place.root)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), grace_s)
        await processes.end(process)
