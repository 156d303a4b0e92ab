"""A Kubernetes to test against: an API server as clients see a real one, and pods that are real processes."""

from sandbox.kubernetes.api.access import Rule, User
from sandbox.kubernetes.charts.application import Application, Deployed, deploy
from sandbox.kubernetes.charts.install import Release, bitnami, install
from sandbox.kubernetes.cluster import Kubernetes, kubernetes
from sandbox.kubernetes.kubelet.images import Image

__all__ = [
    "Application",
    "Deployed",
    "Image",
    "Kubernetes",
    "Release",
    "Rule",
    "User",
    "bitnami",
    "deploy",
    "install",
    "kubernetes",
]
