"""The chain from a broken Redis to a webhook: redis_exporter, Prometheus, Alertmanager, on addresses of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp

from sandbox.monitoring import settings
from sandbox.monitoring.programs import Program, Programs
from sandbox.monitoring.settings import Places, Watched
from sandbox.redis.addresses import Block

_PATIENCE = "500ms"
"""For how long the exporter waits for a Redis; it has to be shorter than the scrape's own time-out."""
_RESEND = "1m"
"""How often Prometheus tells Alertmanager again what fires, which forgets an alert after four times as long."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert as Prometheus has it. ``pending``: its ``for:`` is not over."""

    name: str
    group: str
    pending: bool


class Monitoring:
    """The three programs, started with the block and killed after it.

    Args:
        programs: where they are.
        watched: what is scraped.
        alerts_url: where Alertmanager delivers; by default to a Tandem at ``tandem``.
        token: what it shows there.
        times: how many times faster everything goes than deploy/prometheus says.
    """

    def __init__(
        self, programs: Programs, watched: Sequence[Watched], alerts_url: str | None, token: str, *, times: float = 10
    ) -> None:
        self._watched, self._token, self._times = tuple(watched), token, times
        self._folder = tempfile.TemporaryDirectory(prefix="tandem-monitoring-")
        self._block = Block()
        at = [self._block.program(number, port) for number, port in enumerate((9090, 9093, 9121), start=1)]
        self._places = Places(*at)
        self.tandem = self._block.program(4, 8080)
        """Where nobody else listens: "host:port"."""
        self._alerts_url = alerts_url or f"http://{self.tandem}/alerts"
        folder = Path(self._folder.name)
        self.prometheus = Program(self._prometheus(programs), self._places.prometheus, "/-/ready", folder)
        self.alertmanager = Program(self._alertmanager(programs), self._places.alertmanager, "/-/ready", folder)
        self.exporter = Program(self._exporter(programs), self._places.exporter, "/health", folder)

    async def __aenter__(self) -> Self:
        """Write the settings, start the programs, and wait until they are ready."""
        self._write()
        try:
            await asyncio.gather(*(one.start() for one in self._all))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Kill them, and take away what they wrote."""
        await asyncio.gather(*(one.kill() for one in self._all))
        self._block.close()
        self._folder.cleanup()

    async def alerts(self) -> tuple[Firing, ...]:
        """What Prometheus says that fires, or is about to.

        Raises:
            OSError: it does not answer.
        """
        url = f"{self.prometheus.url}/api/v1/alerts"
        async with aiohttp.ClientSession() as session, session.get(url, raise_for_status=True) as answer:
            found = (await answer.json())["data"]["alerts"]
        return tuple(
            Firing(one["labels"]["alertname"], one["labels"].get("group", ""), one["state"] == "pending")
            for one in found
        )

    async def page(self) -> str:
        """Where a person sees Prometheus' alerts. Debian has only the older one of its two pages."""
        older = f"{self.prometheus.url}/classic/alerts"
        async with aiohttp.ClientSession() as session, session.get(older) as answer:
            return older if answer.ok else f"{self.prometheus.url}/alerts"

    def watch(self, *watched: Watched) -> None:
        """Have Prometheus scrape these from now on, and nothing else."""
        self._watched = watched
        self._write()
        if self.prometheus.running:
            self.prometheus.reload()

    @property
    def _all(self) -> tuple[Program, ...]:
        return self.exporter, self.alertmanager, self.prometheus

    def _write(self) -> None:
        folder, examples = Path(self._folder.name), _examples()
        for name in (settings.RULES, "prometheus.yml", "alertmanager.yml"):
            example = (examples / name).read_text("utf-8")
            (folder / name).write_text(self._made(name, example), encoding="utf-8")
        (folder / settings.TOKEN).touch(mode=0o600)
        (folder / settings.TOKEN).write_text(self._token, encoding="utf-8")

    def _made(self, name: str, example: str) -> str:
        if name == "prometheus.yml":
            return settings.prometheus(example, self._times, self._places, self._watched)
        if name == "alertmanager.yml":
            return settings.alertmanager(example, self._times, self._alerts_url)
        return settings.rules(example, self._times)

    def _prometheus(self, programs: Programs) -> list[str | Path]:
        address = self._places.prometheus
        return [
            programs.prometheus,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=prometheus",
            "--storage.tsdb.retention.time=6h",
            f"--rules.alert.resend-delay={settings.shorter(_RESEND, self._times)}",
            f"--web.listen-address={address}",
            f"--web.external-url=http://{address}/",
            "--log.level=warn",
        ]

    def _alertmanager(self, programs: Programs) -> list[str | Path]:
        address = self._places.alertmanager
        return [
            programs.alertmanager,
            "--config.file=alertmanager.yml",
            "--storage.path=alertmanager",
            "--cluster.listen-address=",
            f"--web.listen-address={address}",
            f"--web.external-url=http://{address}/",
            "--log.level=warn",
        ]

    def _exporter(self, programs: Programs) -> list[str | Path]:
        listens = ["-web.listen-address", self._places.exporter]
        return [programs.exporter, "-redis.addr", "", "-connection-timeout", _PATIENCE, *listens]


def _examples() -> Path:
    """What deploy/ recommends: packed beside the sandbox in a wheel, at the top of a checkout."""
    packed = Path(__file__).parents[1] / "prometheus"
    return packed if packed.exists() else Path(__file__).parents[2] / "deploy" / "prometheus"
