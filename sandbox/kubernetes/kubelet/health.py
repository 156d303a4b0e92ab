"""Watches one container by its probes for as long as it runs: started, ready, alive."""

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.kubelet import probes
from sandbox.kubernetes.kubelet.container import Container


class Record(Protocol):
    """Records an event about a container."""

    def __call__(self, reason: str, message: str, container: Container, *, warning: bool = False) -> None:
        """With its reason and message."""


class Health:
    """The probes of one container; `tell` is called when what they say changes."""

    def __init__(
        self, container: Container, pod_ip: str, pace: float, tell: Callable[[], None], record: Record
    ) -> None:
        self._container = container
        self._pod_ip = pod_ip
        self._pace = pace
        self._tell = tell
        self._record = record

    async def watch(self) -> None:
        """Ask until cancelled; without a readiness probe, whatever runs is ready."""
        spec = self._container.spec
        if startup := spec.get("startupProbe"):
            await self._until_started(startup)
        watching = []
        if readiness := spec.get("readinessProbe"):
            watching.append(self._ask_often("Readiness", readiness, self._judge_readiness))
        else:
            self._judge_readiness(content=True)
        if liveness := spec.get("livenessProbe"):
            watching.append(self._ask_often("Liveness", liveness, self._judge_liveness))
        await asyncio.gather(*watching)

    async def _until_started(self, probe: Json) -> None:
        await self._pause(probe.get("initialDelaySeconds", 0))
        opinion = probes.Threshold(probe, content=True)
        while problem := await probes.ask(self._container, probe, self._pod_ip):
            self._record("Unhealthy", f"Startup probe failed: {problem}", self._container, warning=True)
            if not opinion.count(success=False):
                self._restart("startup")
            await self._pause(probe["periodSeconds"])
        self._container.started = True
        self._tell()

    async def _ask_often(self, kind: str, probe: Json, judge: Callable[[bool], None]) -> None:
        await self._pause(probe.get("initialDelaySeconds", 0))
        opinion = probes.Threshold(probe, content=kind == "Liveness")
        while True:
            problem = await probes.ask(self._container, probe, self._pod_ip)
            if kind == "Readiness":
                problem = problem or self._container.spoiled
            if problem:
                self._record("Unhealthy", f"{kind} probe failed: {problem}", self._container, warning=True)
            judge(opinion.count(not problem))
            await self._pause(probe["periodSeconds"])

    def _judge_readiness(self, content: bool) -> None:
        if self._container.ready != content:
            self._container.ready = content
            self._tell()

    def _judge_liveness(self, content: bool) -> None:
        if not content:
            self._restart("liveness")

    def _restart(self, probe: str) -> None:
        message = f"Container {self._container.name} failed {probe} probe, will be restarted"
        self._record("Killing", message, self._container)
        self._container.signal(signal.SIGKILL)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace)
