"""Makes the settings of a chain out of those in deploy/prometheus: other addresses, and a clock that runs faster.

Nothing else is changed: what is tested and shown is what we tell people to use. Every duration of a rule is divided by
one number; so are the programs' own intervals, down to a second: more often than that nobody scrapes. No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

RULES = "redis.rules.yml"
TOKEN = "tandem.token"  # noqa: S105 -- The name of the file that holds it.
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_IN_EXPRESSION = re.compile(r"(?<=\[)[0-9a-z]+(?=])|(?<=\boffset )[0-9a-z]+")
_TIMES = ("_interval", "_timeout", "_wait")
LEAST_MS = 1000
"""No interval of a program becomes shorter than this."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A deployment as Prometheus scrapes it: its name in targets.yaml, and "host:port" of its servers."""

    group: str
    nodes: tuple[str, ...]
    sentinels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where each program listens, "host:port"."""

    prometheus: str
    alertmanager: str
    exporter: str


def hurried(settings: Any, times: float) -> Any:
    """The same settings or rules, with every duration in them so many times shorter."""
    if isinstance(settings, list):
        return [hurried(one, times) for one in settings]
    if not isinstance(settings, dict):
        return settings
    return {key: _hurried(key, value, times) for key, value in settings.items()}


def _hurried(key: str, value: Any, times: float) -> Any:
    if key == "expr":
        return _IN_EXPRESSION.sub(lambda found: shorter(found[0], times), value)
    if isinstance(value, str) and key == "for":
        return shorter(value, times)
    if isinstance(value, str) and key.endswith(_TIMES):
        return shorter(value, times, LEAST_MS)
    return hurried(value, times)


def shorter(duration: str, times: float, least_ms: int = 1) -> str:
    """A duration as Prometheus writes it, such as ``1m30s``, so many times shorter; not shorter than ``least_ms``."""
    whole_ms = sum(int(number) * _MS[unit] for number, unit in _DURATION.findall(duration))
    return f"{max(least_ms, round(whole_ms / times))}ms" if whole_ms else duration


def rules(example: str, times: float) -> str:
    """The rules, each ``for:`` and each range in their expressions shorter."""
    return yaml.safe_dump(hurried(yaml.safe_load(example), times), sort_keys=False)


def prometheus(example: str, times: float, places: Places, watched: Sequence[Watched]) -> str:
    """The settings of Prometheus. Tandem itself is left out: it cannot prompt about its own absence."""
    settings = hurried(yaml.safe_load(example), times)
    targets = {
        "redis": [_scraped(one.group, one.nodes) for one in watched if one.nodes],
        "redis-sentinel": [_scraped(one.group, one.sentinels) for one in watched if one.sentinels],
        "redis-exporter": [{"targets": [places.exporter], "labels": {"group": one.group}} for one in watched],
    }
    jobs = [job for job in settings["scrape_configs"] if job["job_name"] in targets]
    for job in jobs:
        job["static_configs"] = targets[job["job_name"]]
        for relabel in job.get("relabel_configs", ()):
            if relabel["target_label"] == "__address__":
                relabel["replacement"] = places.exporter
    # A job without targets stays: of one that is taken away Prometheus goes on to show what it scraped last.
    settings |= {"rule_files": [RULES], "scrape_configs": jobs}
    settings["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [places.alertmanager]}]}]}
    return yaml.safe_dump(settings, sort_keys=False)


def _scraped(group: str, addresses: Sequence[str]) -> dict[str, Any]:
    return {"targets": [f"redis://{address}" for address in addresses], "labels": {"group": group}}


def alertmanager(example: str, times: float, alerts_url: str) -> str:
    """The settings of Alertmanager, which delivers to this URL."""
    settings = hurried(yaml.safe_load(example), times)
    (receiver,) = settings["receivers"]
    (webhook,) = receiver["webhook_configs"]
    webhook["url"] = alerts_url
    return yaml.safe_dump(settings, sort_keys=False)
