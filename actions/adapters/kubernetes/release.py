"""``Kubernetes`` on a real API server: what steps and looks do there, each call bounded in time."""

from __future__ import annotations

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.look import look
from actions.kit.kubernetes.place import KubernetesPlace
from actions.kit.kubernetes.view import KubernetesView


class KubernetesRelease:
    """One release and its application. Nothing is read, imported or connected before it is asked.

    Close with ``aclose``.
    """

    def __init__(self, place: KubernetesPlace) -> None:
        self.place = place
        self._client = Client(place)

    async def look(self) -> KubernetesView:
        """See ``Kubernetes.look``."""
        return await look(self._client)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
