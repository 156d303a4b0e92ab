"""Who has most of a lost master's history, whatever the replicas tell; found without asking each of each."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actions.kit.candidates import priority_of
from actions.kit.diagnosis import diagnose
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.findings import FindingId
from actions.kit.heirs import best_heir, why_no_heir
from actions.kit.snapshot import NodeConfig, Reason, Snapshot
from tests.builders import healthy, with_link, with_node, with_view, without_node

IDS = ("a" * 40, "b" * 40, "0" * 40)
told = st.fixed_dictionaries(
    {
        "replid": st.sampled_from(IDS[:2]),
        "replid2": st.sampled_from(IDS),
        "offset": st.integers(0, 6),
        "second_repl_offset": st.integers(-1, 6),
        "loading": st.sampled_from([False, False, False, True]),
    }
)
configs = st.sampled_from([None, NodeConfig(0, 10, 0), NodeConfig(0, 10, 100), NodeConfig(FENCE_REPLICAS, 10, 100)])


@st.composite
def lost_masters(draw) -> Snapshot:
    replicas = draw(st.integers(1, 6))
    snapshot = without_node(healthy(replicas, 0), 1)
    for number in range(2, replicas + 2):
        snapshot = with_node(snapshot, number, **draw(told))
        snapshot = with_link(snapshot, number, up=False, sync_in_progress=draw(st.booleans()) and draw(st.booleans()))
    nodes = (snapshot.nodes[0], *(replace(node, config=draw(configs)) for node in snapshot.nodes[1:]))
    return replace(snapshot, nodes=nodes)


def test_a_replica_that_lost_its_master_in_its_first_sync_is_no_heir():
    """The only one that is left: to promote it would make a master of nothing."""
    lost = with_link(without_node(healthy(1, 0), 1, Reason.REFUSED), 2, up=False)
    never = with_node(lost, 2, offset=1)

    assert best_heir(lost) is not None
    assert best_heir(never) is None
    assert why_no_heir(never, never.nodes[1]) == ("it holds nothing: it has never ended a sync with its master",)
    assert best_heir(with_view(never, 2, keys=3)) is not None
    assert best_heir(with_link(never, 2, down_since_s=0)) is not None, "it has followed a master that was empty"
    said = {one.id: one for one in diagnose(never).findings}
    assert "promote" not in " ".join(said[FindingId.MASTER_DOWN].suggests)
    assert FindingId.NO_ELIGIBLE_REPLICA in said
    assert "promote orders --to 10.0.0.2:6379" in diagnose(lost).verdict.suggests


@given(lost_masters())
def test_the_best_heir_is_the_first_of_those_against_whom_nothing_speaks(snapshot):
    unopposed = [node for node in snapshot.nodes if not why_no_heir(snapshot, node)]
    first = min(unopposed, key=lambda node: (priority_of(node) or 1_000_000, node.address), default=None)

    assert best_heir(snapshot) == first
