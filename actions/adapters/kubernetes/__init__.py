"""Kubernetes: the only package that imports its SDK, once something is asked. ``KubernetesRelease`` is the way in."""

from __future__ import annotations

from actions.adapters.kubernetes.release import KubernetesRelease

__all__ = ["KubernetesRelease"]
