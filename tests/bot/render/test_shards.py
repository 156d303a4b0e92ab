"""What is told of a cluster: few shards node by node, many in a line each, those in trouble first."""

import io

import pytest
from rich.console import Console

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from bot.render import terminal
from bot.render.blocks_findings import diagnosed, healthy_or_not, raw_lines
from bot.render.json import seen_json
from bot.render.shards import shard_lines
from tests.bot.render.slack_judges import accepted
from tests.clusters import Cluster, address, cluster


def seen(given: Cluster) -> Seen:
    snapshot = given.snapshot()
    return Seen(snapshot, diagnose(snapshot))


def test_few_shards_are_told_node_by_node_and_the_one_in_trouble_first():
    lines = list(shard_lines(cluster(3, 1).failed(2).snapshot()))
    assert lines == [
        "Cluster: 3 shards, 5 of 6 nodes answer, 16,384 of 16,384 slots owned, epoch 3, cluster_state:fail on 5 nodes",
        "✗ 10.0.0.2:6379  refused: no answer  slots 5461-10921",
        "└─ ○ 10.0.0.5:6379  replica  link down for 4 s  valkey 9.1.0",
        "● 10.0.0.1:6379  master  offset 10,000  1 replica attached  valkey 9.1.0  slots 0-5460",
        "└─ ○ 10.0.0.4:6379  replica  link up  lag 0 bytes, 0 s  valkey 9.1.0",
        "● 10.0.0.3:6379  master  offset 10,000  1 replica attached  valkey 9.1.0  slots 10922-16383",
        "└─ ○ 10.0.0.6:6379  replica  link up  lag 0 bytes, 0 s  valkey 9.1.0",
    ]


def test_of_many_shards_each_that_is_well_is_a_line():
    lines = list(shard_lines(cluster(50, 2).failed(77).snapshot()))
    assert len(lines) == 1 + 3 + 49
    assert lines[1].startswith(f"● {address(27)}  master")
    assert lines[2:4] == [
        "├─ ○ 10.0.0.127:6379  replica  link up  lag 0 bytes, 0 s  valkey 9.1.0",
        "└─ ✗ 10.0.0.77:6379  refused: no answer",
    ]
    assert lines[4] == "● 0-326  10.0.0.1:6379  ○ 10.0.0.101:6379 lag 0 bytes, 10.0.0.51:6379 lag 0 bytes"


def test_what_is_in_no_shard_and_owned_by_nobody_is_told():
    lines = list(shard_lines(cluster(3, 1).row(2, slots="").snapshot()))
    assert "✗ slots 5461-10921  owned by nobody" in lines
    assert lines[lines.index("In no shard:") + 1 :] == [
        "● 10.0.0.2:6379  master  offset 10,000  1 replica attached  valkey 9.1.0",
        "○ 10.0.0.5:6379  replica  link up  lag 0 bytes, 0 s  valkey 9.1.0",
    ]


def test_nobody_who_answers_is_told_too():
    lines = list(shard_lines(cluster(3, 0).without(1, 2, 3).snapshot()))
    assert lines[0] == "Cluster: 0 shards, 0 of 3 nodes answer, 0 of 16,384 slots owned, epoch 0"
    assert sum(line.startswith("✗ 10.0.0.") for line in lines) == 3


@pytest.mark.parametrize("page", [healthy_or_not, diagnosed])
@pytest.mark.parametrize("failed", [(), (2,), tuple(range(1, 40))])
def test_fifty_shards_fit_into_slack(page, failed):
    look = seen(cluster(50, 2).failed(*failed))
    text = accepted(page(look, "you"))
    assert "more in the thread" in text
    assert "50 shards" in text
    assert any(line.startswith("● 16056-16383") for line in raw_lines(look))


def test_a_terminal_hangs_replicas_below_their_masters():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(terminal.health(seen(cluster(3, 1))))
    shown = console.export_text()
    assert "├── ● 10.0.0.1:6379 master" in shown
    assert "│   └── ○ 10.0.0.4:6379 replica link up" in shown


def test_programs_get_the_shards():
    given = seen_json(seen(cluster(3, 1)))
    assert given["master"] is None
    assert given["shards"][0] == {
        "id": f"{1:040x}",
        "slots": [[0, 5460]],
        "slot_count": 5461,
        "config_epoch": 1,
        "master": "10.0.0.1:6379",
        "replicas": ["10.0.0.4:6379"],
    }
    assert [node["lag_bytes"] for node in given["nodes"]] == [None, None, None, 0, 0, 0]
