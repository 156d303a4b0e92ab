"""Who sees whom, shown: short in Slack whatever the size, whole in a small terminal, countable in JSON."""

import json
import re
from dataclasses import replace

from rich.console import Console

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from actions.kit.snapshot import Reason, Snapshot
from actions.kit.topology import Address
from actions.kit.vantage import matrix
from bot.render.blocks_findings import diagnosed
from bot.render.json import diagnosed_json
from bot.render.matrix import matrix_json, matrix_lines, matrix_markup
from bot.render.matrix_table import matrix_table
from tests.bot.render.slack_judges import accepted
from tests.builders import healthy, node_at, with_node, with_opinion, without_node
from tests.clusters import cluster

OURS = without_node(healthy(), 2, Reason.REFUSED)


def typed(snapshot: Snapshot) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(matrix_table(matrix(snapshot)))
    return captured.get()


def test_where_all_agree_one_line_says_so():
    assert matrix_markup(matrix(healthy())) == "*Who sees whom*: nothing contradicts, of 3 nodes and 3 Sentinels"
    assert list(matrix_lines(matrix(healthy(sentinels=0)))) == ["Who sees whom: nothing contradicts, of 3 nodes"]


def test_what_follows_stands_before_who_said_what():
    first, second, third = matrix_markup(matrix(OURS)).splitlines()[1:]

    assert first == "\u2260 `10.0.0.2:6379` we cannot reach it, but 10.0.0.1:6379 and 3 Sentinels can"
    assert second.strip() == (
        "us: no answer: refused; nodes: online, acknowledged 0 s ago; Sentinels: 3 of 3 reach it, as replica"
    )
    assert third == "On 5 of 6 nodes and Sentinels all agree."


def test_a_terminal_shows_every_row_of_a_small_target_and_the_worst_of_a_large_one():
    small, large = typed(OURS), typed(cluster(50, 2).failed(1, 2).snapshot())

    assert small.count("\u2713") == 5
    assert re.search(r"\u2260 10.0.0.2:6379 +no answer: refused +online, .* ago +3 of 3 reach it, as replica", small)
    assert large.count("\u2717") == 2
    assert "none of 148 reaches it" in large
    assert "On 148 of 150 nodes all agree." in large


def test_no_address_is_broken_in_80_columns():
    seen = matrix(OURS)
    long = [Address(f"127.144.225.10{number}", 26379) for number in range(len(seen.rows))]
    rows = tuple(replace(row, address=address) for row, address in zip(seen.rows, long, strict=True))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(matrix_table(replace(seen, rows=rows)))
    for address in long:
        assert str(address) in captured.get()


def test_hundreds_of_rows_fit_into_slack_with_the_worst_first():
    snapshot = healthy(replicas=500)
    for number in range(3, 203):
        gone = tuple(one for one in snapshot.nodes[0].info.replicas if one.address != node_at(number))
        snapshot = with_node(without_node(snapshot, number), 1, replicas=gone)
    for number in (1, 2, 3):
        snapshot = with_opinion(snapshot, number, replicas=())
    snapshot = without_node(snapshot, 2, Reason.CLOSED)
    screen = diagnosed(Seen(snapshot, diagnose(snapshot)), "you")
    shown = matrix_markup(matrix(snapshot))

    accepted(screen)
    assert len(shown) < 2_000
    assert "`10.0.0.2:6379` we cannot reach it, but 10.0.0.1:6379 can" in shown.splitlines()[1]
    assert "195 more in the thread" in shown
    assert shown in str([block.get("text", {}).get("text") for block in screen.message.blocks]).replace("\\n", "\n")


def test_json_holds_each_sight_and_of_many_rows_those_that_matter():
    told = diagnosed_json(Seen(OURS, diagnose(OURS)))["matrix"]
    rows = {one["address"]: one for one in told["rows"]}
    ours = rows[str(node_at(2))]

    assert json.loads(json.dumps(told)) == told
    assert (told["points"], told["agreeing"]) == (["us", "nodes", "Sentinels"], 5)
    assert (ours["kind"], ours["contradicted"]) == ("node", True)
    assert ours["sights"][0] == {
        "point": "us",
        "by": ["Tandem"],
        "count": 1,
        "reach": "no",
        "says": "no answer: refused",
        "role": None,
    }
    large = matrix_json(matrix(cluster(50, 2).failed(1).snapshot()))
    assert [one["address"] for one in large["rows"]] == ["10.0.0.1:6379"]
    assert large["rows"][0]["sights"][-1]["count"] == 149
