"""``Kubernetes`` on a real API server: what steps and looks do there, each call bounded in time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime

from actions.adapters.http import ask_health
from actions.adapters.kubernetes.application import look_at_application
from actions.adapters.kubernetes.client import TIMEOUT_S, Client
from actions.adapters.kubernetes.logs import search_logs
from actions.adapters.kubernetes.look import look
from actions.adapters.kubernetes.questions import DEPLOYMENTS
from actions.adapters.kubernetes.reach import DirectReach, PodReach
from actions.adapters.kubernetes.volume import VolumeStore
from actions.adapters.redis.reach import Reach, directly
from actions.kit.errors import ActionError, CommandRefused
from actions.kit.kubernetes.logs import LogSearch
from actions.kit.kubernetes.place import Application, KubernetesPlace, Way
from actions.kit.kubernetes.ports import HealthAnswer
from actions.kit.kubernetes.setting import Variable, as_text, patch_of
from actions.kit.kubernetes.view import ApplicationView, KubernetesView
from actions.kit.rescue_place import Volume


class KubernetesRelease:
    """One release and its application. Nothing is read, imported or connected before it is asked.

    Close with ``aclose``.

    Args:
        place: which one.
        timeout_s: how long one question may take.
        first: where servers are dialled that lead elsewhere, if pods are dialled directly.
    """

    def __init__(self, place: KubernetesPlace, timeout_s: float = TIMEOUT_S, first: Reach = directly) -> None:
        self.place = place
        self._client = Client(place, timeout_s)
        self._through_api = bool(place.release) and place.reach is not Way.DIRECT
        self._reach = PodReach(self._client) if self._through_api else DirectReach(first)

    @property
    def reach(self) -> Reach:
        """Where the pods' servers are dialled."""
        return self._reach

    def volume(self, volume: Volume, target: str) -> VolumeStore:
        """Where rescue copies of this target go."""
        return VolumeStore(volume, target, self._client)

    async def ready(self) -> None:
        """Load the SDK and the credentials where servers are dialled through them: it takes longer than a dial may.

        What is wrong with them is said by whatever is asked next.
        """
        if self._through_api:
            with contextlib.suppress(ActionError):
                await self._client.bounded(lambda: None)

    async def look(self) -> KubernetesView:
        """See ``Kubernetes.look``."""
        view = await look(self._client)
        self._reach.know(view)
        return view

    async def application(self) -> ApplicationView:
        """See ``Kubernetes.application``."""
        return await look_at_application(self._client, self._application)

    async def variables(self) -> Mapping[str, str]:
        """See ``Kubernetes.variables``."""
        app = await self.application()
        if app.value is None:
            raise CommandRefused(app.unasked.why if app.unasked else f"{app.deployment} does not say where Redis is.")
        return {f"{app.container}/{app.env}": as_text(app.value)}

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """See ``Kubernetes.set_variables``."""
        deployment = self._application.deployment
        for name, text in values.items():
            container, _, env = name.partition("/")
            patch = patch_of(Variable(self.place.namespace, deployment, container, env), text)
            await self._client.patch(DEPLOYMENTS, deployment, patch)

    async def health(self) -> HealthAnswer | None:
        """See ``Kubernetes.health``."""
        url = self._application.health_url
        return await ask_health(url) if url else None

    async def search_logs(self, since: datetime) -> LogSearch:
        """See ``Kubernetes.search_logs``."""
        return await search_logs(self._client, await self.application(), since)

    @property
    def _application(self) -> Application:
        if self.place.application is None:
            raise CommandRefused("No application is named in the kubernetes block of targets.yaml.")
        return self.place.application

    async def aclose(self) -> None:
        """Close every connection."""
        await self._reach.aclose()
        await self._client.aclose()
