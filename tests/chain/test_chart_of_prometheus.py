"""`chart` from a real Prometheus, which scrapes real servers and their Sentinels through a real redis_exporter."""

import asyncio
import time

import pytest

from actions import chart
from actions.adapters import connect
from actions.kit.charting import Panel, Source
from actions.kit.prometheus_place import PrometheusPlace
from sandbox.monitoring import Monitoring, Watched, installed
from sandbox.redis import build, sentinel
from tests.failover import target_of

PROGRAMS = installed()
WITHIN_S = 150.0
"""Scrapes come each second; a busy machine is late."""

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


async def charted(hands, progress, good):
    """The first chart that is good; the last one, with what is in it, fails the test."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        seen = await chart.ACTION.look(hands, {"since": "2m"}, progress)
        if good(seen.chart) or time.monotonic() > deadline:
            assert good(seen.chart), seen.chart
            return seen.chart
        await asyncio.sleep(1)


@pytest.mark.skipif(PROGRAMS is None, reason="needs Debian's prometheus, prometheus-alertmanager and redis-exporter")
async def test_the_panels_of_what_was_and_a_node_that_is_gone(monkeypatch, progress):
    monkeypatch.setattr("actions.kit.charting.sampling.USUAL_S", 2)  # As long as Prometheus has nothing to tell.
    async with sentinel(build(), replicas=1, down_after_ms=60_000) as topology:
        watched = Watched("orders", topology.node_addresses, topology.sentinel_addresses)
        async with Monitoring(PROGRAMS, [watched], None, "none", times=20) as chain:
            place = PrometheusPlace(chain.prometheus.url, (("group", "orders"),))
            hands = connect(target_of(topology, timeout_ms=10_000, prometheus=place))
            try:
                (master, replica), gone = topology.node_addresses, topology.nodes[1]
                await topology.nodes[0].command("SET", "k", "v")
                for _ in range(3):
                    await topology.nodes[0].command("GET", "k")
                made = await charted(hands, progress, lambda one: complete(one, master, replica))
                assert {line.node for line in made.lines} == {master, replica}
                assert made.shown(Panel.LAG_SECONDS) == made.shown(Panel.LAG_BYTES) == (made.lines[1],)
                assert made.lines[0].of(Panel.MEMORY).latest > 500_000
                assert all(note.startswith("Prometheus tells nothing of") for note in made.notes), "it has just begun"

                await gone.kill()
                made = await charted(hands, progress, lambda one: bool(one.lines[-1].silence))
                assert (made.source, made.lines[-1].node) == (Source.PROMETHEUS, replica)
                assert made.lines[-1].silence == "no answer to the exporter"
                assert made.lines[-1].of(Panel.CLIENTS).latest is None
                happened = [one.what for one in made.occurrences if one.node == replica]
                assert happened[-1] == "no answer to the exporter"
            finally:
                await hands.aclose()


def complete(made, master, replica):
    """Both nodes have told everything, roles and lag too; the first scrapes were before the replica was online."""
    told = {line.node: line for line in made.lines}
    if made.source is not Source.PROMETHEUS or {master, replica} - set(told):
        return False
    rates = all(told[node].of(Panel.COMMANDS).values for node in (master, replica))
    lag = told[replica].of(Panel.LAG_BYTES).values and told[replica].of(Panel.LAG_SECONDS).values
    return bool(rates and lag) and [told[node].role for node in (master, replica)] == ["master", "replica"]
