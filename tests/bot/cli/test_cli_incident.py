"""A whole failover from two terminals: no Slack, no bot, the same two people, the same plan, lock and audit."""

import asyncio
import signal
from datetime import timedelta

import pytest

from bot.ledger import Ask, Ledger
from sandbox.redis import WriteLoad, builds, replication, sentinel
from tests.bot.cli.conftest import audited, left_by_a_bot, of
from tests.bot.cli.test_cli_deciding import typing
from tests.bot.cli.test_cli_records import PLAN
from tests.bot.ledger.given import LEAD, ONCALL
from tests.failover import setting

FENCING = next((one for one in builds() if not one.is_valkey), builds()[0])


@pytest.mark.servers
async def test_a_whole_failover_by_two_people_without_slack_and_without_a_bot(terminal):
    async with (
        sentinel(FENCING) as topology,
        WriteLoad(topology, rate=200) as load,
        left_by_a_bot(terminal, **of(topology)) as (ledger, oncall, lead, _guest),
    ):
        old = await topology.master()
        asked = await oncall.types("request failover orders --reason slow --json")
        assert asked.code == 4, asked.err
        assert "so Slack is not asked: who may do what is as it said at " in asked.err
        assert (asked.json["state"], asked.json["reason"]) == ("waiting", "slow")
        assert asked.json["requester"] == {"id": "U0ONCALL", "name": "oncall", "origin": "terminal"}
        assert asked.json["can_approve"] == [{"id": "U0LEAD", "name": "lead"}]
        request = asked.json["id"]

        own = await oncall.types(f"approve {request} --yes")
        assert (own.code, own.out) == (3, "")
        assert "a second person has to decide" in own.err
        nobody = await lead.types(f"approve {request}")
        assert (nobody.code, nobody.out) == (2, "")
        assert "add --yes" in nobody.err

        async def impatient(process):
            """Ctrl-C in the middle of it: nothing is left half done."""
            while (run := (await ledger.request(request)).run) is None or run.reached < 1:
                assert process.returncode is None, "it ended before it had begun"
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGINT)

        done = await lead.types(f"approve {request} --yes --json", impatient)
        assert done.code == 0, done.err
        assert f"{request} is carried out by this process, which waits for its end" in done.err
        assert [one["person"]["origin"] for one in done.json["decisions"]] == ["terminal"]
        assert done.json["run"]["state"] == "done"
        await load.stop()
        master = await topology.master()
        assert master is not old
        assert await load.lost(master) == 0
        for node in topology.nodes:
            assert await setting(node, "min-replicas-to-write") == "0"

        told = {kind: (who, details) for kind, who, details in audited(terminal) if kind.startswith("request.")}
        assert told["request.filed"][0] == "U0ONCALL"
        assert told["request.approve"][0] == "U0LEAD"
        assert {details["origin"] for _, details in told.values()} == {"terminal"}
        assert all(details["as_slack_said_at"] for _, details in told.values())
        timeline = await lead.types(f"audit timeline {request}")
        assert "lead (U0LEAD) in a terminal, as Slack said at " in timeline.out.replace("\\", "")


@pytest.mark.servers
async def test_what_was_cut_off_is_settled_by_whoever_follows_it(terminal):
    """As after a terminal that was killed, where there is no bot."""
    async with replication(FENCING) as topology:
        nodes = {"kind": "replication", "nodes": list(topology.node_addresses)}
        async with left_by_a_bot(terminal, **nodes) as (_, oncall, *_others):
            lost = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db", lease_s=0.1)
            ask = Ask(PLAN, {}, ONCALL, "C0INCIDENT", "slow", 1, timedelta(minutes=15))
            request = (await lost.decide((await lost.file(ask)).id, LEAD, "approve")).request
            await lost.begin(request.id)
            await lost.aclose()
            ended = await oncall.types(f"follow {request.id} --json")
            assert (ended.code, ended.json["run"]["state"]) == (1, "undone"), ended.err
            assert f"{request.id} was cut off; it is settled by looking." in ended.err


@pytest.mark.servers
async def test_a_run_that_asks_is_told_in_a_terminal_how_it_goes_on(terminal):
    """It was cut off in its first step, and then once more: looking alone does not go on with that."""
    async with (
        sentinel(FENCING) as topology,
        left_by_a_bot(terminal, **of(topology)) as (_, oncall, lead, _guest),
    ):
        asked = await oncall.says("request failover --json")
        lost = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db", lease_s=0)
        request = (await lost.decide(asked.json["id"], LEAD, "approve")).request
        await lost.journal(await lost.begin(request.id)).intends(0, request.plan.steps[0])
        assert await lost.claim(request.id)
        await lost.aclose()

        early = await oncall.says(f"abandon {request.id} --yes")
        assert (early.code, early.out) == (3, "")
        cut_off = await oncall.types(f"follow {request.id} --json")
        assert (cut_off.code, cut_off.json["run"]["state"]) == (5, "asking"), cut_off.err
        assert "cut off a second time" in cut_off.json["run"]["question"]["seen"][0]
        own = await oncall.says(f"resume {request.id} --yes")
        assert (own.code, own.out) == (3, "")
        assert "a second person has to say so" in own.err

        async with typing(lead, f"rollback {request.id}", "y\n") as (process, shown):
            assert await process.wait() == 1
            text = await shown
        assert f"Roll back {request.id}: put everything back, and end the run as not done? [y/N]" in text
        assert "It is rolled back." in text
        answered = next((who, details) for kind, who, details in audited(terminal) if kind == "run.answered")
        assert (await oncall.says(f"show {request.id} --json")).json["run"]["state"] == "undone"
        assert answered[0] == "U0ONCALL", "what did not count is written down too"
        for node in topology.nodes:
            assert await setting(node, "replica-priority") == "100"
