"""A write load on a release, as from an application in the cluster."""

import secrets
from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

import redis.asyncio

from sandbox.redis.load import Load
from sandbox.redis.server import Credentials
from sandbox.redis.writers import Discovery, LoadSpec

if TYPE_CHECKING:
    from sandbox.kubernetes.charts.install import Release

_CHUNK = 1000
_DISCOVERY: dict[str, Discovery] = {"sentinel": "get-master-addr", "replication": "roles", "cluster": "slots"}


class ReleaseLoad(Load):
    """Writers that find the master by Sentinel, by asking the nodes, or by slots, as the release's shape is.

    `timeout` is what a writer waits for an answer, in seconds; `rate` the writes a second of all writers together.
    """

    def __init__(
        self,
        release: "Release",
        writers: int = 8,
        *,
        timeout: float = 1.0,
        rate: float = 1400.0,
        process: bool = False,
    ) -> None:
        self._release = release
        names, shape = release.pod_names(), release.chart.values.shape
        credentials = Credentials(password=release.password)
        spec = LoadSpec(
            run=secrets.token_hex(4),
            writers=writers,
            rate=rate,
            timeout_s=timeout,
            discovery=_DISCOVERY[shape],
            fixed="",
            master_name=release.chart.values.master_set,
            sentinels=tuple(release.address(name, sentinel=True) for name in names) if shape == "sentinel" else (),
            nodes=tuple(release.address(name) for name in names),
            node=credentials,
            sentinel=credentials,
            places={f"{name}.{release.chart.headless}:{release.chart.port}": release.address(name) for name in names},
        )
        super().__init__(spec, process=process)

    async def lost(self, pod: str) -> int:
        """How many acknowledged writes the data node of this pod does not have as they were written."""
        host, _, port = self._release.address(pod).rpartition(":")
        writes = tuple(self._writes)
        credentials = Credentials(password=self._release.password).client_options()
        async with redis.asyncio.Redis(
            host=host, port=int(port), **credentials, protocol=2, decode_responses=True
        ) as client:
            return sum([await self._missing(client, writes[at : at + _CHUNK]) for at in range(0, len(writes), _CHUNK)])

    async def _missing(self, client: redis.asyncio.Redis, writes: tuple[tuple[int, int], ...]) -> int:
        found = await cast("Awaitable[list[str | None]]", client.mget([self._spec.key(*one) for one in writes]))
        return sum(value != self._spec.value(*one) for value, one in zip(found, writes, strict=True))
