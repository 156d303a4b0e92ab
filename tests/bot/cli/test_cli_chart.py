"""`tandem chart`: the numbers for people and programs, and the picture in a file."""

import pytest

from sandbox.redis import build, replication

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.servers
async def test_the_numbers_and_the_picture(terminal):
    async with replication(build(), replicas=1) as topology:
        terminal.targets(
            orders={"kind": "replication", "nodes": list(topology.node_addresses), "limits": {"timeout_ms": 10_000}}
        )
        charted = await terminal.types("chart orders --for 2s --out chart.png --json")
        assert (charted.code, charted.json["source"]) == (0, "sampling")
        assert "The picture is in chart.png.\n" in charted.err
        assert (terminal.directory / "chart.png").read_bytes().startswith(PNG)
        nodes = [series["node"] for series in charted.json["panels"][0]["series"]]
        assert sorted(nodes) == sorted(topology.node_addresses)

        there = await terminal.says("chart orders --for 2s --out chart.png")
        assert (there.code, there.out) == (2, "")
        assert "is there already, and is not overwritten" in there.err

        shown = await terminal.says("chart orders --for 2s")
        assert shown.code == 0
        assert "Sampling orders once a second for 2 s." in shown.err
        assert all(words in shown.out for words in ("Sampled by Tandem", "Cache hit ratio", "(master)", "(replica)"))


async def test_where_nobody_answers_there_is_nothing_to_see(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ended = await terminal.says("chart orders --for 2s")
    assert (ended.code, "127.0.0.1:1 (no answer)" in ended.out) == (5, True)
    wrong = await terminal.says("chart orders --for 1d --out chart.png")
    assert (wrong.code, wrong.err) == (2, "--for takes 2s to 5m, such as 30s or 2m; '1d' is none.\n")
    assert not (terminal.directory / "chart.png").exists()
