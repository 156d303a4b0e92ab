"""What the kit needs of Kubernetes, in our own verbs. The adapter fills it. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from actions.kit.kubernetes.logs import LogSearch
from actions.kit.kubernetes.view import ApplicationView, KubernetesView


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What an application's health URL answered: the status of HTTP, and how long it took."""

    status: int
    took_ms: float

    @property
    def well(self) -> bool:
        """It says that it is well: 2xx."""
        return 200 <= self.status < 300


class Kubernetes(Protocol):
    """One release and the application that uses it. Every call is bounded in time.

    All but ``look`` raise ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or ``Garbled`` and say what is wrong.
    """

    async def look(self) -> KubernetesView:
        """Everything that is shown; never raises for what is not answered."""

    async def application(self) -> ApplicationView:
        """The Deployment that uses the target, as it is now."""

    async def variables(self) -> Mapping[str, str]:
        """What tells the application where Redis is, by container and variable; see ``kit.kubernetes.setting``."""

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set it, by a strategic merge patch of that container only; Kubernetes rolls the Deployment out anew."""

    async def health(self) -> HealthAnswer | None:
        """What the application's health URL answers; ``None`` where it has none."""

    async def search_logs(self, since: datetime) -> LogSearch:
        """Search the logs of the application's pods from then on for trouble with Redis."""
