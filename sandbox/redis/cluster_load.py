"""Counts what a cluster acknowledges under load, how long a shard acknowledged nothing, and what is lost later."""

import secrets
from collections.abc import Awaitable
from typing import cast

import redis.asyncio

from sandbox.redis.cluster_topology import Cluster
from sandbox.redis.cluster_writers import slot_of
from sandbox.redis.load import Load
from sandbox.redis.writers import LoadSpec

_CHUNK = 1000


class ClusterLoad(Load):
    """Writers of unique keys over all slots; `timeout` in seconds, `rate` in writes a second of all together."""

    def __init__(
        self, cluster: Cluster, writers: int = 8, *, timeout: float = 1.0, rate: float = 1400.0, process: bool = False
    ) -> None:
        self._cluster = cluster
        spec = LoadSpec(
            run=secrets.token_hex(4),
            writers=writers,
            rate=rate,
            timeout_s=timeout,
            discovery="slots",
            fixed="",
            master_name="",
            sentinels=(),
            nodes=cluster.node_addresses,
            node=cluster.customer,
            sentinel=cluster.admin,
        )
        super().__init__(spec, process=process)

    def shard_gap_ms(self, shard: int, since: float | None = None) -> float:
        """As `longest_gap_ms`, of the writes to the slots that this shard (from 0) had at the start."""
        first, last = self._cluster.slots(shard)
        writes = zip(self._writes, self._times, strict=True)
        times = [at for one, at in writes if first <= slot_of(self._spec.key(*one)) <= last]
        return self._longest_gap_ms(times, since)

    async def lost(self, *others: str) -> int:
        """How many acknowledged writes no master has as they were written: each is asked for all of them.

        Whoever owns a slot by now, a write that is nowhere is lost. LookupError where no node is a master. `others`
        are servers outside of the cluster that may have them, "host:port".
        """
        masters = await self._cluster.masters()
        if not masters:
            raise LookupError("No running node is a master.")
        owners = await self._owners()
        missing: list[tuple[int, int]] = []
        for address in {*owners.values(), None}:
            mine = [one for one in self._writes if owners.get(slot_of(self._spec.key(*one))) == address]
            missing += await self._missing(self._cluster.node(address).direct_address, mine) if address else mine
        for other in others:
            missing = await self._missing(other, missing)
        return len(missing)

    async def _owners(self) -> dict[int, str]:
        """Who has each slot by the view of a master that is up, as clients would be told."""
        owners: dict[int, str] = {}
        for node in await self._cluster.masters():
            for first, last, (host, port, *_), *_ in await node.command("CLUSTER", "SLOTS"):
                owners |= dict.fromkeys(range(first, last + 1), f"{host}:{port}")
        return owners

    async def _missing(self, address: str, writes: list[tuple[int, int]]) -> list[tuple[int, int]]:
        host, _, port = address.rpartition(":")
        options = {**self._cluster.admin.client_options(), "protocol": 2, "decode_responses": True}
        async with redis.asyncio.Redis(host=host, port=int(port), **options) as client:
            chunks = [writes[at : at + _CHUNK] for at in range(0, len(writes), _CHUNK)]
            return [one for chunk in chunks for one in await self._missing_of(client, chunk)]

    async def _missing_of(self, client: redis.asyncio.Redis, writes: list[tuple[int, int]]) -> list[tuple[int, int]]:
        async with client.pipeline(transaction=False) as pipeline:
            for one in writes:
                pipeline.get(self._spec.key(*one))
            values = await cast("Awaitable[list[str | None]]", pipeline.execute(raise_on_error=False))
        return [one for value, one in zip(values, writes, strict=True) if value != self._spec.value(*one)]
