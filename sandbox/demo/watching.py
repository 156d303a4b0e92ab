"""Who watches the demo's Redis beside Tandem itself: Prometheus, where it is installed and can scrape this kind."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.monitoring import Monitoring, Watched, installed

TIMES = 10
"""A rule that waits for half a minute in production waits for three seconds here."""
_ALONE = "Watched by: Tandem alone"


@dataclass(frozen=True, slots=True)
class Watching:
    """``told``: a line or more for the page; ``environment``: what the bot needs to be told of alerts.

    ``target``: what targets.yaml says of who keeps the metrics.
    """

    told: str
    environment: Mapping[str, str] = field(default_factory=dict)
    places: Sequence[tuple[str, str]] = ()
    target: Mapping[str, object] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def watching(watched: Watched | None) -> AsyncIterator[Watching]:
    """Start Prometheus, Alertmanager and redis_exporter if they are there; else Tandem's own watch has to do."""
    programs = installed()
    if watched is None:
        yield Watching(f"{_ALONE}; Prometheus cannot scrape this kind here")
        return
    if programs is None:
        wanted = "prometheus, prometheus-alertmanager and prometheus-redis-exporter"
        yield Watching(f"{_ALONE}; with Debian's packages {wanted} the demo starts those too")
        return
    token = secrets.token_urlsafe()
    async with Monitoring(programs, [watched], None, token, times=TIMES) as monitoring:
        host, _, port = monitoring.tandem.rpartition(":")
        environment = {"TANDEM_HTTP_HOST": host, "TANDEM_HTTP_PORT": port, "TANDEM_ALERTS_TOKEN": token}
        places = [
            ("Prometheus", await monitoring.page()),
            ("Alertmanager", f"{monitoring.alertmanager.url}/api/v2/alerts"),
        ]
        lines = (f"{word}: {url}" for word, url in places)
        told = "\n".join([f"Watched by: Tandem, and Prometheus with rules {TIMES} times as fast", *lines])
        yield Watching(told, environment, places, {"prometheus": {"url": monitoring.prometheus.url}})
