"""``tandem serve`` is killed in the repair of a split brain: nobody's byte is lost, and no fence stays behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from sandbox.demo import Bot, described, targets
from sandbox.redis import builds
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest
from tests.databases import Databases
from tests.failover import PATIENT, setting
from tests.repair import Split, split
from tests.scenarios.test_killed_bot import INCIDENT, looking

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

NEWEST = builds()[0]


@pytest.mark.parametrize(("title", "outcome"), [("Copy all data", "undone"), ("Put the settings", "done")])
async def test_killed_and_started_again(title: str, outcome: str, databases: Databases, tmp_path: Path) -> None:
    with databases.new("sqlite", tmp_path) as url:
        async with split(NEWEST, tmp_path / "rescue") as scene, LocalSlack(own_manifest()) as slack:
            # So that there is time to kill it while the copy is taken.
            await scene.old.command("CONFIG", "SET", "repl-diskless-sync-delay", "3")
            about = {**described(scene.topology), "rescue": {"folder": str(scene.folder)}, "limits": PATIENT}
            async with Bot(slack, targets(about), tmp_path, ledger_url=url) as bot:
                with looking(url) as ledger:
                    await _approved(slack, scene)
                    await _begun(ledger, title)
                    await bot.kill()
                    await bot.start()
                    await slack.waits_for(lambda: _settled(ledger), within=180)
                    ended = _rows(ledger, "SELECT outcome, failures FROM runs WHERE ended_at IS NOT NULL")
                    assert outcome == (ended[0][0] if ended else "done"), ended
                    await slack.waits_for(lambda: not _rows(ledger, "SELECT 1 FROM debts WHERE paid_at IS NULL"))
                    await bot.kill()  # It would stay for the second look.
            assert await setting(scene.old, "min-replicas-to-write") == "0"
            if outcome == "done":
                await scene.topology.ready()
                assert await scene.topology.master() is scene.new
                await scene.nothing_is_lost(scene.old, scene.new)
            else:
                await scene.as_before()
                await scene.ended()
                assert [await load.lost(address) for address, load in scene.writes.items()] == [0, 0]


async def _approved(slack: LocalSlack, scene: Split) -> None:
    await slack.person("U0ONCALL").types(INCIDENT, f"/redis repair orders --keep {scene.new.address}")
    card = await slack.waits_for(
        lambda: next((one for one in slack.messages(INCIDENT) if "repair orders: destructive" in one.plain()), None)
    )
    await slack.person("U0LEAD").clicks(card, "approve")


async def _begun(ledger: Connection, title: str) -> None:
    deadline = time.monotonic() + 120
    while not any(state != "waiting" for state in _states(ledger, title)):
        assert time.monotonic() < deadline, _states(ledger, "")
        await asyncio.sleep(0.001)


def _settled(ledger: Connection) -> bool:
    """It has ended, or all that is left is to look again after half a minute."""
    return bool(_rows(ledger, "SELECT 1 FROM runs WHERE ended_at IS NOT NULL")) or "done" in _states(ledger, "Prove")


def _states(ledger: Connection, title: str) -> list[str]:
    return [state for state, name in _rows(ledger, "SELECT state, title FROM steps") if title in name]


def _rows(ledger: Connection, query: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in ledger.execute(text(query))]
