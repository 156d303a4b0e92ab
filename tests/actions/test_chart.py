"""`chart` by sampling: real servers, one of which is killed and comes back meanwhile."""

import pytest

from actions import chart
from actions.adapters import TargetHands
from actions.kit.charting import Panel, Source
from actions.kit.charting.sampling import length_s
from actions.kit.errors import UsageError
from sandbox.redis import build, replication
from tests.failover import target_of


class Hurried(TargetHands):
    """A second takes as long as what happens in it: before the third look the replica is killed, then it is back."""

    def __init__(self, topology, target):
        super().__init__(target)
        self._topology, self._seconds = topology, 0.0

    def now(self):
        return self._seconds

    async def sleep(self, seconds):
        self._seconds += seconds
        master, replica = self._topology.nodes
        for command in (("SET", "k", "v"), ("GET", "k"), ("GET", "k"), ("GET", "k"), ("GET", "nothing")):
            await master.command(*command)
        if self._seconds == 3:
            await replica.kill()
        if self._seconds == 5:
            await replica.start()


@pytest.mark.servers
async def test_a_node_that_is_killed_and_comes_back_has_a_gap_and_the_others_have_none(progress):
    async with replication(build(), replicas=1) as topology:
        hands = Hurried(topology, target_of(topology, timeout_ms=10_000))
        try:
            seen = await chart.ACTION.look(hands, {"for": "7s"}, progress)
        finally:
            await hands.aclose()
    made, (master, replica) = seen.chart, topology.node_addresses

    assert (made.source, progress.said) == (Source.SAMPLING, ["Sampling orders once a second for 7 s."])
    assert [(line.node, line.role, line.silence) for line in made.lines] == [
        (master, "master", ""),
        (replica, "replica", ""),
    ]
    first, second = made.lines
    # A second is hurried here: what was far apart for the servers' sake may be a gap too, and tells nothing.
    levels = [value for _, value in second.of(Panel.CLIENTS).points]
    assert levels[0] is not None
    assert levels[-1] is not None
    assert None in levels
    assert 0 not in second.of(Panel.MEMORY).values
    assert len(first.of(Panel.CLIENTS).values) == 8
    assert len(second.of(Panel.CLIENTS).values) == 6
    told = [(one.node, one.what.partition(":")[0]) for one in made.occurrences]
    assert told == [(replica, "no answer"), (replica, "answers again, was restarted")]
    assert first.of(Panel.HIT_RATIO).overall == 75
    assert min(first.of(Panel.COMMANDS).values) > 0
    assert made.shown(Panel.LAG_BYTES) == (second,)
    assert second.of(Panel.LAG_BYTES).values


@pytest.mark.parametrize("text", ["1s", "6m", "301", "soon", "-5s", "1h", ""])
def test_a_length_that_nobody_waits_for_is_none(text):
    with pytest.raises(UsageError, match="--for takes 2s to 5m, such as 30s or 2m"):
        length_s(text or "0")


def test_lengths():
    assert [length_s(text) for text in (None, "5", " 45S ", "2m")] == [30, 5, 45, 120]
