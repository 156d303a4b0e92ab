"""Deploys an application that uses Redis, with its Service; owned by nobody, or by Helm, Argo CD or Flux."""

import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.kubernetes.api.resources import DEPLOYMENTS, PODS, SERVICES, Json, labels_of
from sandbox.kubernetes.charts.bitnami import Chart
from sandbox.kubernetes.charts.install import Release
from sandbox.kubernetes.cluster import Kubernetes
from sandbox.kubernetes.kubelet.images import Image

IMAGE = "ghcr.io/example/orders-api:1.4.2"
PORT = 8080
_PATIENCE = {"initialDelaySeconds": 5, "periodSeconds": 3, "timeoutSeconds": 5}
_PROGRAM = Path(__file__).parents[1] / "programs" / "application.py"


@dataclass(frozen=True, kw_only=True)
class Application:
    """What is deployed: `redis_host` is the first value of REDIS_HOST; `owner` is "", "helm", "argocd" or "flux"."""

    name: str = "orders-api"
    replicas: int = 2
    redis_host: str
    owner: str = ""
    progress_deadline_s: int = 600


def deploy(release: Release, application: Application) -> "Deployed":
    """Deploy it beside a release of Redis, with that one's password, and do not wait."""
    cluster, chart = release.cluster, release.chart
    deployed = Deployed(cluster, release.namespace, application.name)
    deployed.restore_image()
    cluster.apply([_deployment(chart, application), _service(chart, application)])
    return deployed


@dataclass(frozen=True)
class Deployed:
    """A deployed application."""

    cluster: Kubernetes
    namespace: str
    name: str

    def deployment(self) -> Json:
        """The Deployment as it is."""
        return self.cluster.get(DEPLOYMENTS, self.namespace, self.name)

    @property
    def health_url(self) -> str:
        """Where its Service answers for its health, whichever pods there are."""
        address = self.cluster.get(SERVICES, self.namespace, self.name)["spec"]["clusterIP"]
        return f"http://{address}:{PORT}/health"

    def forget_image(self) -> None:
        """Let its image be gone, so that no further pod of it starts."""
        self.cluster.images.pop(IMAGE, None)

    def restore_image(self) -> None:
        """Let its image be there."""
        start = f'#!/bin/sh\nexec {sys.executable} -I {_PROGRAM} "$@"\n'
        self.cluster.images[IMAGE] = Image(("orders-api",), {"orders-api": start})

    def pods(self) -> list[Json]:
        """Its pods, also those that are being deleted."""
        return self.cluster.store.select(PODS, self.namespace, lambda pod: labels_of(pod).get("app") == self.name)

    def is_rolled_out(self) -> bool:
        """Whether all its pods are of its present template, and ready."""
        thing = self.deployment()
        status, wanted = thing["status"], thing["spec"]["replicas"]
        counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
        return counts == {wanted} and status["observedGeneration"] == thing["metadata"]["generation"]

    async def rolled_out(self, within: float = 60.0) -> None:
        """Wait until it is; TimeoutError with how the pods are."""
        await self.cluster.until(self.is_rolled_out, within)


def _deployment(chart: Chart, application: Application) -> Json:
    labels = {"app": application.name}
    metadata: Json = {"name": application.name, "namespace": chart.values.namespace}
    metadata |= _owned(application, chart.values.namespace)
    return {
        "kind": "Deployment",
        "metadata": {**metadata, "labels": {**labels, **metadata.get("labels", {})}},
        "spec": {
            "replicas": application.replicas,
            "progressDeadlineSeconds": application.progress_deadline_s,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [_container(chart, application)]}},
        },
    }


def _container(chart: Chart, application: Application) -> Json:
    environment: list[Json] = [
        {"name": "REDIS_HOST", "value": application.redis_host},
        {"name": "REDIS_PORT", "value": str(chart.port)},
        {"name": "LOG_LEVEL", "value": "info"},
    ]
    if chart.values.password is not None:
        reference = {"name": chart.full_name, "key": "redis-password"}
        environment.append({"name": "REDIS_PASSWORD", "valueFrom": {"secretKeyRef": reference}})
    return {
        "name": application.name,
        "image": IMAGE,
        "env": environment,
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, **_PATIENCE},
    }


def _service(chart: Chart, application: Application) -> Json:
    ports = [{"name": "http", "port": PORT, "targetPort": "http"}]
    return {
        "kind": "Service",
        "metadata": {"name": application.name, "namespace": chart.values.namespace},
        "spec": {"selector": {"app": application.name}, "ports": ports},
    }


def _owned(application: Application, namespace: str) -> Json:
    """The marks by which whoever keeps the Deployment as it stands in a repository knows it for its own."""
    name = application.name
    match application.owner:
        case "helm":
            marks = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace}
            return {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": marks}
        case "argocd":
            tracked = f"{name}:apps/Deployment:{namespace}/{name}"
            labels = {"app.kubernetes.io/instance": name}
            return {"labels": labels, "annotations": {"argocd.argoproj.io/tracking-id": tracked}}
        case "flux":
            flux = "kustomize.toolkit.fluxcd.io"
            return {"labels": {f"{flux}/name": name, f"{flux}/namespace": "flux-system"}}
    return {}
