"""What ``/metrics`` of a running bot says, as Prometheus would read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.service import Service


@dataclass(frozen=True)
class Scrape:
    """One answer: its text, and the value of each series."""

    text: str
    values: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float | None:
        """One series; ``None`` where it is not there."""
        return self.values.get((name, frozenset(labels.items())))

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series of this name that have these labels."""
        wanted = frozenset(labels.items())
        return sum(value for (metric, those), value in self.values.items() if metric == name and wanted <= those)

    @property
    def names(self) -> set[str]:
        """Every name that a query can use."""
        return {name for name, _ in self.values}

    @property
    def labels(self) -> set[str]:
        """Every value of a label that is not a number of Prometheus' own."""
        return {value for _, labels in self.values for name, value in labels if name != "le"}


async def scraped(service: Service) -> Scrape:
    """Ask it now."""
    url = f"http://127.0.0.1:{service.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        assert answer.content_type == "text/plain"
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return Scrape(text, {(one.name, frozenset(one.labels.items())): one.value for one in samples})


async def scraped_until(service: Service, there: Callable[[Scrape], bool]) -> Scrape:
    """Ask again and again until it says this; what waits in the ledger may be a second old."""
    async with asyncio.timeout(60):
        while not there(now := await scraped(service)):
            await asyncio.sleep(0.2)
    return now
