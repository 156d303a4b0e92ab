"""``Hands`` on one target, whoever has to be asked: its servers, AWS and Kubernetes where they live there.

A further vantage point comes in at three places: it is opened here, what it sees is part of ``observe``, and the nodes
that it names are asked in the same look. Each is imported where it is opened: most targets have none of them, and a
terminal that looks from cold would load them first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from actions.adapters.redis import Reach, RedisHands
from actions.adapters.redis.observe import EARLIER
from actions.adapters.redis.reach import by_map
from actions.kit.errors import CommandRefused, RescueFailed
from actions.kit.kubernetes.addresses import nodes_of, sentinels_of
from actions.kit.topology import Address, Kind, Place, Target

if TYPE_CHECKING:
    from actions.adapters.aws import AwsElastiCache
    from actions.adapters.kubernetes import KubernetesRelease
    from actions.adapters.rescue import Rescuer
    from actions.kit.elasticache.ports import ElastiCache
    from actions.kit.elasticache.views import GroupView
    from actions.kit.kubernetes.ports import Kubernetes
    from actions.kit.kubernetes.view import KubernetesView
    from actions.kit.ports import Prometheus
    from actions.kit.rescue import RescueCopy, RescueRoom
    from actions.kit.snapshot import SentinelView, Snapshot


class TargetHands(RedisHands):
    """The servers' hands, and those of whoever else keeps them. Close with ``aclose``.

    Args:
        target: what it is.
        reach: where its servers are dialled; by default as its address map says.
    """

    def __init__(self, target: Target, reach: Reach | None = None) -> None:
        self._kubernetes = _release(target)
        super().__init__(target, reach or (self._kubernetes.reach if self._kubernetes else None))
        self._elasticache = _group(target)
        self._pods: frozenset[Address] = frozenset()
        self._rescuer: Rescuer | None = None

    @property
    def elasticache(self) -> ElastiCache:
        """See ``Hands.elasticache``."""
        if self._elasticache is None:
            raise CommandRefused(f"{self.target.name} has no ElastiCache group in targets.yaml: AWS is not asked.")
        return self._elasticache

    @property
    def kubernetes(self) -> Kubernetes:
        """See ``Hands.kubernetes``."""
        if self._kubernetes is None:
            raise CommandRefused(
                f"{self.target.name} has no kubernetes block in targets.yaml: Kubernetes is not asked."
            )
        return self._kubernetes

    @property
    def prometheus(self) -> Prometheus:
        """See ``Hands.prometheus``."""
        if self.target.prometheus is None:
            raise CommandRefused(f"{self.target.name} has no prometheus block in targets.yaml.")
        from actions.adapters.prometheus import PrometheusApi  # noqa: PLC0415

        return PrometheusApi(self.target.prometheus)

    async def aclose(self) -> None:
        """Close every connection."""
        await super().aclose()
        if self._kubernetes is not None:
            await self._kubernetes.aclose()

    async def observe(self) -> Snapshot:
        """See ``Hands.observe``; everybody is asked at once."""
        if self._elasticache is None and self._kubernetes is None:
            return await super().observe()
        if self._kubernetes is not None:
            await self._kubernetes.ready()
        if self._elasticache is not None:
            await self._elasticache.ready()
        group = view = None
        named_by: dict[str, Callable[[], Awaitable[Iterable[Address]]]] = {}
        async with asyncio.TaskGroup() as tasks:
            if self._elasticache is not None:
                group = tasks.create_task(self._elasticache.look())
                named_by["AWS"] = partial(_endpoints, group)
            if self._kubernetes is not None:
                view = tasks.create_task(self._kubernetes.look())
                named_by["Kubernetes"] = partial(_pods, view, nodes_of)
            hears = self.target.kind is Kind.SENTINEL
            watched_by = partial(_pods, view, sentinels_of) if view is not None and hears else None
            snapshot = await self._observer.observe(named_by, watched_by)
        snapshot = replace(
            snapshot, group=group.result() if group else None, kubernetes=view.result() if view else None
        )
        return self._without_former_pods(snapshot)

    async def sentinel_views(self) -> tuple[SentinelView, ...]:
        """See ``Hands.sentinel_views``."""
        await self._know_sentinels()
        return await super().sentinel_views()

    def _without_former_pods(self, snapshot: Snapshot) -> Snapshot:
        """A pod that has come back has another address; its former one is no node that is down."""
        view = snapshot.kubernetes
        if view is None or view.unasked is not None:
            return snapshot
        pods = frozenset(nodes_of(view))
        gone, self._pods = self._pods - pods, pods
        self._observer.forget(gone)
        kept = (node for node in snapshot.nodes if node.address not in gone or node.known_from != (EARLIER,))
        return replace(snapshot, nodes=tuple(kept))

    async def _know_sentinels(self) -> None:
        """Those that only their pods tell of are not known before the first look."""
        if self._kubernetes is not None and self.target.kind is Kind.SENTINEL and not self._observer.sentinels():
            await self.observe()

    async def settings(self, node: Place, names: tuple[str, ...]) -> Mapping[str, str]:
        """See ``Hands.settings``."""
        if self._is_group(node):
            from actions.kit.elasticache import setting  # noqa: PLC0415

            return {setting.NAME: setting.value_of(await self.elasticache.group())}
        if not isinstance(node, Address):
            return await self.kubernetes.variables()
        await self._know_sentinels()
        return await super().settings(node, names)

    async def change_settings(self, node: Place, settings: Mapping[str, str], *, rewrite: bool) -> None:
        """See ``Hands.change_settings``."""
        if self._is_group(node):
            from actions.kit.elasticache import setting  # noqa: PLC0415

            await setting.change(self, settings[setting.NAME])
            return
        if not isinstance(node, Address):
            await self.kubernetes.set_variables(settings)
            return
        await self._know_sentinels()
        await super().change_settings(node, settings, rewrite=rewrite)

    async def recall(self, node: Place) -> None:
        """See ``Hands.recall``; AWS and Kubernetes answer for what they were asked."""
        if isinstance(node, Address) and not self._is_group(node):
            await self._know_sentinels()
            await super().recall(node)

    async def rescue_room(self, node: Address) -> RescueRoom:
        """See ``Hands.rescue_room``."""
        from actions.kit.rescue import RescueRoom  # noqa: PLC0415

        try:
            return await self._rescues.room(node)
        except RescueFailed as error:
            return RescueRoom("", why_not=str(error))

    async def rescue(
        self, node: Address, name: str, evidence: Mapping[str, object], *, fork: int | None = None
    ) -> RescueCopy:
        """See ``Hands.rescue``."""
        return await self._rescues.take(node, name, lambda: self._evidence(evidence), fork)

    async def rescued(self, name: str) -> RescueCopy | None:
        """See ``Hands.rescued``."""
        return await self._rescues.find(name)

    async def commands_since(self, node: Address, replid: str, offset: int) -> frozenset[str]:
        """See ``Hands.commands_since``."""
        return await self._rescues.commands_since(node, replid, offset)

    @property
    def _rescues(self) -> Rescuer:
        if self._rescuer is None:
            from actions.adapters.rescuing import open_rescuer  # noqa: PLC0415

            self._rescuer = open_rescuer(self.target, self._reach, self._node, self._kubernetes)
        return self._rescuer

    async def _evidence(self, given: Mapping[str, object]) -> bytes:
        from actions.adapters.rescue import gather  # noqa: PLC0415

        seen = await self.observe()
        nodes = [self._node(node.address) for node in seen.nodes]
        sentinels = [self._sentinel(sentinel.address) for sentinel in seen.sentinels]
        return await gather(nodes, sentinels, self.target.master_name, given)

    def _is_group(self, place: Place) -> bool:
        return self.target.elasticache is not None and place == self.target.elasticache.resource


def _release(target: Target) -> KubernetesRelease | None:
    if target.kubernetes is None:
        return None
    from actions.adapters.kubernetes import KubernetesRelease  # noqa: PLC0415

    return KubernetesRelease(target.kubernetes, first=by_map(target.address_map))


def _group(target: Target) -> AwsElastiCache | None:
    if target.elasticache is None:
        return None
    from actions.adapters.aws import AwsElastiCache  # noqa: PLC0415

    return AwsElastiCache(target.elasticache)


async def _endpoints(group: asyncio.Task[GroupView]) -> tuple[Address, ...]:
    return (await group).endpoints


async def _pods(
    view: asyncio.Task[KubernetesView], which: Callable[[KubernetesView], tuple[Address, ...]]
) -> tuple[Address, ...]:
    return which(await view)
