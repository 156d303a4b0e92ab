"""``Hands`` on one target, whoever has to be asked: its servers, and AWS where they are AWS's.

A further vantage point comes in at three places: it is opened here, what it sees is part of ``observe``, and the nodes
that it names are asked in the same look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from actions.adapters.aws import AwsElastiCache
from actions.adapters.redis import Reach, RedisHands
from actions.kit.elasticache import setting
from actions.kit.elasticache.ports import ElastiCache
from actions.kit.elasticache.views import GroupView
from actions.kit.errors import CommandRefused
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Place, Target


class TargetHands(RedisHands):
    """The servers' hands, and those of whoever else keeps them. Close with ``aclose``.

    Args:
        target: what it is.
        reach: where its servers are dialled; by default as its address map says.
    """

    def __init__(self, target: Target, reach: Reach | None = None) -> None:
        super().__init__(target, reach)
        self._elasticache = AwsElastiCache(target.elasticache) if target.elasticache else None

    @property
    def elasticache(self) -> ElastiCache:
        """See ``Hands.elasticache``."""
        if self._elasticache is None:
            raise CommandRefused(f"{self.target.name} has no ElastiCache group in targets.yaml: AWS is not asked.")
        return self._elasticache

    async def observe(self) -> Snapshot:
        """See ``Hands.observe``; everybody is asked at once."""
        if self._elasticache is None:
            return await super().observe()
        async with asyncio.TaskGroup() as tasks:
            group = tasks.create_task(self._elasticache.look())
            snapshot = await self._observer.observe({"AWS": _endpoints(group)})
        return replace(snapshot, group=group.result())

    async def settings(self, node: Place, names: tuple[str, ...]) -> Mapping[str, str]:
        """See ``Hands.settings``."""
        if self._is_group(node):
            return {setting.NAME: setting.value_of(await self.elasticache.group())}
        return await super().settings(node, names)

    async def change_settings(self, node: Place, settings: Mapping[str, str], *, rewrite: bool) -> None:
        """See ``Hands.change_settings``."""
        if self._is_group(node):
            await setting.change(self, settings[setting.NAME])
            return
        await super().change_settings(node, settings, rewrite=rewrite)

    def _is_group(self, place: Place) -> bool:
        return self.target.elasticache is not None and place == self.target.elasticache.resource


async def _endpoints(group: asyncio.Task[GroupView]) -> tuple[Address, ...]:
    return (await group).endpoints
