"""`tune` in a terminal: planned, asked for, approved by a second person, done; and words that are none."""

import pytest

from sandbox.redis import build, replication
from tests.bot.cli.conftest import left_by_a_bot
from tests.failover import PATIENT, setting

pytestmark = pytest.mark.servers


async def test_asked_for_approved_and_done(terminal):
    async with replication(build(), replicas=1) as topology:
        about = {"kind": "replication", "nodes": list(topology.node_addresses), "limits": PATIENT}
        async with left_by_a_bot(terminal, **about) as (_, oncall, lead, _):
            plan = await oncall.says("plan tune orders maxmemory=1gb repl-backlog-size=2mb --json")
            assert (plan.code, plan.err) == (0, "")
            assert (plan.json["risk"], plan.json["cost"]["loss_bytes"]) == ("reversible", 0)
            assert len(plan.json["steps"]) == 4
            shown = await oncall.says("plan tune orders maxmemory=1gb")
            assert "It evicts nothing at once." in shown.out
            assert "maxmemory 0 (no limit) to 1gb on all 2 nodes." in " ".join(shown.out.split())
            assert await setting(topology.nodes[0], "maxmemory") == "0"

            asked = await oncall.says("tune maxmemory=1gb --reason small --json")
            assert asked.code == 4, asked.err
            done = await lead.types(f"approve {asked.json['id']} --yes --json")
            assert done.code == 0, done.out + done.err
            assert done.json["options"] == {"maxmemory": "1gb"}
            assert [await setting(node, "maxmemory") for node in topology.nodes] == [str(2**30)] * 2

            (change,) = done.json["plan"]["settings"][:1]
            assert change == {"node": topology.nodes[1].address, "name": "maxmemory", "now": "0", "then": str(2**30)}
            unreasoned = await oncall.says(f"undo {asked.json['id']} --break-glass")
            assert (unreasoned.code, "Breaking the glass takes a reason" in unreasoned.err) == (2, True)
            closed = await oncall.says(f"undo {asked.json['id']} --break-glass --reason now --json")
            assert (closed.code, "may break the glass" in closed.json["refusal"]["reason"]) == (3, True), closed.out
            back = await oncall.says(f"undo {asked.json['id']} --json")
            assert back.code == 4, back.err
            assert back.json["reason"] == f"It puts back {asked.json['id']}."
            assert list(back.json["options"].values()) == ["0"]

            refused = await oncall.says("plan tune orders maxmemory=1mb --json")
            assert refused.code == 3
            assert "it would refuse writes at once" in refused.json["refusal"]["reason"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("tune orders maxmemory=4gb maxmemory=5gb", "maxmemory is there twice; keep one."),
        ("tune orders maxmemory 4gb", "'maxmemory' is one word too many; settings are typed as NAME=VALUE."),
        ("plan failover orders maxmemory=4gb", "failover has no option --maxmemory."),
        ("plan tune orders --to 10.0.0.1", "tune does not set 'to'"),
        ("plan tune orders maxmemory=lots", "'lots' is no size."),
    ],
)
async def test_words_that_are_none(terminal, line, sentence):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ended = await terminal.says(line)
    assert ended.code == 2
    assert sentence in ended.err
