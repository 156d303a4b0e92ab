"""The stage of Redis on Kubernetes: the Bitnami chart with Sentinels, an application beside it, and the cluster."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.demo.stage import NAME, WRITES_A_SECOND, Press, counts, pressed
from sandbox.kubernetes import Application, Deployed, Release, bitnami, deploy, faults
from sandbox.kubernetes.charts.load import ReleaseLoad
from sandbox.redis import Build
from sandbox.slack import DemoButton


@dataclass(frozen=True, slots=True)
class KubernetesStage:
    """One release, and the application that writes to its master."""

    release: Release
    application: Deployed
    load: ReleaseLoad
    kubeconfig: Path
    password_file: Path

    @property
    def target(self) -> Mapping[str, object]:
        """See ``Stage.target``."""
        auth = {"password_file": str(self.password_file)}
        place = {
            "namespace": self.release.namespace,
            "release": self.release.chart.values.release,
            "kubeconfig": str(self.kubeconfig),
            "application": {
                "deployment": self.application.name,
                "env": "REDIS_HOST",
                "health_url": self.application.health_url,
            },
        }
        return {"kind": "sentinel", "auth": auth, "sentinel_auth": auth, "kubernetes": place}

    @property
    def environment(self) -> Mapping[str, str]:
        """See ``Stage.environment``."""
        return {}

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """See ``Stage.places``."""
        return [("Kubernetes", f"KUBECONFIG={self.kubeconfig}"), ("Namespace", self.release.namespace)]

    @property
    def watched(self) -> None:
        """See ``Stage.watched``."""
        return

    async def masters(self) -> str:
        """See ``Stage.masters``."""
        return ", ".join(f"{pod} at {self.release.address(pod)}" for pod in await self.release.masters())

    @property
    def buttons(self) -> Sequence[DemoButton]:
        """See ``Stage.buttons``."""

        def on_master(act: Callable[[Release, str], Awaitable[str]]) -> Press:
            async def press() -> str:
                return await act(self.release, await self._master())

            return pressed(press)

        def on_release(act: Callable[[Release], Awaitable[str]]) -> Press:
            return pressed(lambda: act(self.release))

        return [
            DemoButton("delete-master", "Delete the master's pod", "--force", on_master(faults.delete_pod)),
            DemoButton("hang-master", "Hang the master's pod", "SIGSTOP: it answers nothing", on_master(faults.hang)),
            DemoButton("crash-loop", "Crash the master's Redis", "again and again", on_master(faults.crash_loop)),
            DemoButton("evict", "Evict the master's pod", "the node is short of memory", on_master(faults.evict)),
            DemoButton("stale", "Let Services go stale", "no endpoint changes", on_release(faults.stale_endpoints)),
            DemoButton("typo", "Forget the application's image", "rollouts get stuck", pressed(self._forget_image)),
            DemoButton("mend", "Mend everything", "pods, Services, image", pressed(self._mend), "Mend"),
            counts(self._lost),
        ]

    async def _master(self) -> str:
        masters = await self.release.masters()
        if not masters:
            raise LookupError("No running node is a master.")
        return masters[0]

    async def _forget_image(self) -> str:
        self.application.forget_image()
        return "The application's image is gone from its registry: pods that are made from now on do not start."

    async def _mend(self) -> str:
        self.application.restore_image()
        return await faults.mend(self.release)

    async def _lost(self) -> str:
        master = await self._master()
        return f"{await self.load.lost(master)} of {self.load.acked} acknowledged writes are missing on {master}."


@contextlib.asynccontextmanager
async def with_kubernetes(build: Build) -> AsyncIterator[KubernetesStage]:
    """Three pods with a Redis and a Sentinel each, and two of an application."""
    async with bitnami(build, namespace=NAME, down_after_ms=3000) as release:
        cluster = release.cluster
        first = f"{release.pod_names()[0]}.{release.chart.headless}"
        application = deploy(release, Application(redis_host=first))
        await application.rolled_out()
        password_file = cluster.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(release.password or "")
        kubeconfig = cluster.kubeconfig(namespace=release.namespace)
        async with release.load(rate=WRITES_A_SECOND, process=True) as load:
            yield KubernetesStage(release, application, load, kubeconfig, password_file)
