"""From a fault to the end of its message, by the programs that people run: each rule of deploy/prometheus.

redis_exporter, Prometheus and Alertmanager with the settings of deploy/prometheus, twenty times as fast; Redis, Valkey
and their Sentinels; the bot; the local Slack.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from bot.ledger import Ledger
from sandbox.monitoring import Monitoring, Watched, installed
from sandbox.redis import build, cluster, replication, sentinel
from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import ALERTS_TOKEN, MANIFEST, House, judge_everything
from tests.chain import faults
from tests.chain.lane import Fault, Lane, Stand
from tests.deploy.promtool import alert_names

PROGRAMS = installed()
TIMES = 20
LIMITED = {"extra_config": {"maxmemory": "64mb"}}
LAST = {"RedisExporterDown", "RedisNotWatched"}
"""What takes the eyes away has a test of its own."""

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


@contextlib.asynccontextmanager
async def stand(folder: Path, lanes: Iterable[Lane]) -> AsyncIterator[Stand]:
    """Everything between these deployments and the local Slack."""
    if PROGRAMS is None:
        pytest.skip("needs Debian's prometheus, prometheus-alertmanager and prometheus-redis-exporter packages")
    there = list(lanes)
    async with contextlib.AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack(MANIFEST))
        slack.add_channel("C0ALERTS", "alerts", ["U0ONCALL", "U0LEAD"])
        for lane in there:
            slack.add_channel(lane.channel, lane.name, ["U0ONCALL", "U0LEAD"])
        house = House(slack, folder)
        targets = {lane.name: lane.target for lane in there}
        house.keep(
            {"approvers": {"usergroup": "S0REDISOPS"}, "alerts": {"channel": "C0ALERTS"}, "targets": targets},
        )
        service = await stack.enter_async_context(house.bot())
        ledger = await Ledger.open(house.ledger_url)
        stack.push_async_callback(ledger.aclose)
        url = f"http://127.0.0.1:{service.port}/alerts"
        chain = Monitoring(PROGRAMS, [lane.watched for lane in there], url, ALERTS_TOKEN, times=TIMES)
        yield Stand(slack, await stack.enter_async_context(chain), ledger)
        judge_everything(slack)


@contextlib.asynccontextmanager
async def deployments(folder: Path) -> AsyncIterator[dict[str, Lane]]:
    """``folder``: where copies go of what a repair gives up."""
    valkey, redis = build("valkey-9.1"), build("redis-7.0")
    async with contextlib.AsyncExitStack() as stack:
        made = {
            "orders": sentinel(valkey, replicas=1, **LIMITED),
            "sessions": sentinel(redis, replicas=1, failover_timeout_ms=2000, **LIMITED),
            "queue": replication(valkey, links=True, **LIMITED),
            "mail": replication(redis, replicas=1, links=True, **LIMITED),
            "memory": replication(valkey, replicas=1, **LIMITED),
            "disk": replication(redis, replicas=1, appendonly=True, **LIMITED),
            "carts": cluster(valkey, **LIMITED),
        }
        running = await asyncio.gather(*map(stack.enter_async_context, made.values()))
        lanes = {name: Lane(name, one) for name, one in zip(made, running, strict=True)}
        lanes["mail"].more["rescue"] = {"folder": str(folder)}
        yield lanes


def scenes(lanes: dict[str, Lane]) -> dict[str, tuple[Fault, ...]]:
    """What happens to each of them, in this order."""
    on = {name: lane.topology for name, lane in lanes.items()}
    return {
        "orders": (faults.sentinels_odd(on["orders"]), faults.without_master(on["orders"])),
        "sessions": (
            faults.sentinels_disagree(on["sessions"]),
            faults.without_replicas(on["sessions"]),
            faults.failed_over(on["sessions"]),
        ),
        "queue": (faults.cut_off(on["queue"]), faults.without_master(on["queue"])),
        "mail": (faults.hung(on["mail"]), faults.split(on["mail"]), faults.slow(on["mail"])),
        "memory": (faults.nearly_full(on["memory"]), faults.evicting(on["memory"])),
        "disk": (faults.full(on["disk"]), faults.crowded(on["disk"]), faults.unsaved(on["disk"])),
        "carts": (faults.forgetful(on["carts"]), faults.unprotected(on["carts"]), faults.uncovered(on["carts"])),
    }


async def test_each_rule_fires_is_prompted_mended_and_told_to_be_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("replication_failover", "repair.planned"):
        monkeypatch.setattr(f"actions.kit.{module}.LOOK_AGAIN_S", 2)
    async with deployments(tmp_path / "rescued") as lanes, stand(tmp_path, lanes.values()) as all_of_it:
        played = scenes(lanes)
        fired = {name for each in played.values() for fault in each for name in fault.alerts | fault.later}
        (tmp_path / "rescued").mkdir()
        assert fired | LAST == set(alert_names())
        async with asyncio.TaskGroup() as group:
            for name, each in played.items():
                group.create_task(all_of_it.play(lanes[name], each))
        assert all_of_it.slack.broadcast_mentions == []


async def test_resolved_is_no_proof_of_health(tmp_path: Path) -> None:
    """A replica is dead; then the exporter dies, then Prometheus does, and all alerts about it end."""
    async with replication(build("redis-7.0"), replicas=1, **LIMITED) as topology:
        lane = Lane("orders", topology)
        fault = faults.without_replicas(topology)
        async with stand(tmp_path, [lane]) as all_of_it:
            chain, waits = all_of_it.monitoring, all_of_it.waits
            prompt = await all_of_it.prompted(lane, fault)
            await chain.exporter.kill()
            blind = await waits(lane, lambda: still(all_of_it, lane, "orders: RedisExporterDown"), "the exporter's end")
            assert ended(blind, "RedisDown")
            chain.watch(Watched("orders", ()))
            nobody = Lane("alerts", topology)
            unwatched = await waits(nobody, lambda: all_of_it.saying(nobody, "RedisNotWatched"), "that nobody watches")
            assert "no known target" in unwatched.plain()
            chain.watch(lane.watched)
            await all_of_it.over(nobody, unwatched)
            await chain.prometheus.kill()
            silent = await waits(lane, lambda: still(all_of_it, lane, "orders: the alerts have ended"), "silence")
            assert "that is no proof of health" in silent.plain()
            assert await all_of_it.still_open(lane)
            await fault.mends()
            await all_of_it.over(lane, prompt)


def still(all_of_it: Stand, lane: Lane, text: str) -> Message | None:
    """The message of the incident, if it says this and goes on to see what is wrong."""
    found = all_of_it.told(lane)
    return found if found and text in found.plain() and "replica-down" in found.plain() else None


def ended(message: Message, alert: str) -> bool:
    return any(f"*{alert}* " in line and "ended after" in line for line in message.plain().splitlines())
