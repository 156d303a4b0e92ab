"""What the kit needs of Kubernetes, in our own verbs. The adapter fills it. No I/O here."""

from __future__ import annotations

from typing import Protocol

from actions.kit.kubernetes.view import KubernetesView


class Kubernetes(Protocol):
    """One release and the application that uses it. Every call is bounded in time.

    All but ``look`` raise ``Unreachable``, ``AccessDenied``, ``CommandRefused`` or ``Garbled`` and say what is wrong.
    """

    async def look(self) -> KubernetesView:
        """Everything that is shown; never raises for what is not answered."""
