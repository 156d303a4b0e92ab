"""`flush` in a terminal: planned, asked for, refused to its requester and to a wrong name, approved, done."""

import pytest

from sandbox.redis import build, replication
from tests.bot.cli.conftest import left_by_a_bot
from tests.failover import PATIENT
from tests.flushing import OLD, counted, filled

pytestmark = pytest.mark.servers

IMPATIENT = """
from actions.kit.flushing import planned
from bot.cli import main
planned.LOOK_AGAIN_S = 1
main()
"""
"""`tandem`, which looks again after a second instead of half a minute."""


async def test_asked_for_approved_by_the_typed_name_and_done(terminal, monkeypatch, tmp_path):
    monkeypatch.setattr("actions.kit.flushing.planned.LOOK_AGAIN_S", 1)
    async with replication(build(), replicas=0) as topology:
        (master,) = topology.nodes
        await filled(master)
        about = {"kind": "replication", "nodes": list(topology.node_addresses), "limits": PATIENT}
        async with left_by_a_bot(terminal, **about, rescue={"folder": str(tmp_path / "copies")}) as (_, *people):
            oncall, lead, guest = people
            lead.program = IMPATIENT
            plan = await oncall.says("plan flush orders --db 0 --json")
            assert (plan.code, plan.err) == (0, "")
            assert (plan.json["risk"], plan.json["cost"]["loss_keys"]) == ("irreversible", OLD[0])
            shown = await oncall.says("plan flush orders")
            assert "It takes out of the service, and copies first:" in shown.out
            assert "writes are refused meanwhile." in shown.out
            assert "300 keys of database 0, 40 keys of database 3" in " ".join(shown.out.split())
            assert (await oncall.says("plan flush orders --db all")).code == 2

            asked = await oncall.says("flush --db 0 --json")
            assert asked.code == 4, asked.err
            request = asked.json["id"]
            for who, typed, why in (
                (oncall, "orders", f"You asked for {request} yourself"),
                (lead, "ordres", "you typed 'ordres'"),
                (guest, "orders", "guest"),
            ):
                no = await who.says(f"approve {request} --yes --typed {typed}")
                assert no.code == 3, no.out + no.err
                assert why in no.err
            assert (await lead.says(f"approve {request} --yes")).code == 3
            assert await counted(master) == OLD

            done = await lead.types(f"approve {request} --yes --typed orders --json")
            assert done.code == 0, done.out + done.err
            assert await counted(master) == {3: OLD[3]}
            results = [step["results"] for step in done.json["run"]["steps"] if step.get("results")]
            assert results[-1]["rescue_copy"]["keys"] == sum(OLD.values())
