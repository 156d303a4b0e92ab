"""Masters that do not answer us: who else has to see them, and who sees only a replica in a chain."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, Diagnosis, FindingId
from actions.kit.snapshot import Reason, Role, Snapshot
from tests.builders import healthy, node_at, with_link, with_node, with_opinion, without_node

MASTER_DOWN = frozenset({"master", "s_down"})


def split(said: Diagnosis) -> tuple[str, ...]:
    return tuple(str(node) for one in said.findings if one.id is FindingId.SPLIT_BRAIN for node in one.nodes)


def names(*numbers: int) -> tuple[str, ...]:
    return tuple(str(node_at(number)) for number in numbers)


def detached(snapshot: Snapshot, *numbers: int) -> Snapshot:
    """The master has not attached these."""
    gone = {node_at(number) for number in numbers}
    left = tuple(one for one in snapshot.nodes[0].info.replicas if one.address not in gone)
    return with_node(snapshot, 1, replicas=left)


def behind_a_silent_one(sentinels: int = 0, **link: object) -> Snapshot:
    """Node 2 is silent, and node 3 follows it."""
    return without_node(with_link(healthy(4, sentinels), 3, master=node_at(2), **link), 2)


def test_whom_a_replica_follows_may_be_a_second_master():
    said = diagnose(detached(behind_a_silent_one(), 2, 3))
    assert split(said) == names(1, 2)
    evidence = next(one for one in said.findings if one.id is FindingId.SPLIT_BRAIN).evidence
    assert f"link to {node_at(2)} up" in [one.observation for one in evidence]
    assert f"node {node_at(3)} INFO" in [one.source for one in evidence]


def test_a_chain_is_none():
    assert split(diagnose(behind_a_silent_one())) == (), "the master has it attached"
    assert split(diagnose(detached(behind_a_silent_one(sentinels=3), 2, 3))) == (), "the Sentinels know it as a replica"
    assert split(diagnose(detached(behind_a_silent_one(up=False), 2, 3))) == (), "nothing comes from it"


def test_after_a_chain_the_others_are_looked_at_too():
    snapshot = with_link(behind_a_silent_one(), 5, master=node_at(4))
    assert split(diagnose(detached(without_node(snapshot, 4), 4, 5))) == names(1, 4)


def test_a_second_master_is_told_once_however_many_follow_it():
    snapshot = with_link(behind_a_silent_one(), 4, master=node_at(2))
    assert split(diagnose(detached(snapshot, 2, 3, 4))) == names(1, 2)


@pytest.mark.parametrize(("flags", "hidden"), [(frozenset({"master"}), True), (MASTER_DOWN, False)])
def test_whom_the_sentinels_name_and_reach_is_a_master_though_silent_to_us(flags, hidden):
    snapshot = without_node(healthy(), 1)
    snapshot = with_link(with_node(snapshot, 2, role=Role.MASTER, link=None), 3, master=node_at(2))
    for number in (1, 2, 3):
        snapshot = with_opinion(snapshot, number, flags=flags)
    said = diagnose(snapshot)
    assert split(said) == (names(1, 2) if hidden else ())
    if hidden:
        evidence = next(one for one in said.findings if one.id is FindingId.SPLIT_BRAIN).evidence
        assert f"flags master on {node_at(1)}" in [one.observation for one in evidence]


def test_a_warning_about_the_sentinels_does_not_explain_a_silent_master():
    """Two Sentinels are a trap; how the master fares stays untold."""
    said = diagnose(without_node(healthy(sentinels=2), 1, Reason.WRONGPASS))
    assert said.has(FindingId.SENTINEL_MISCONFIGURED)
    assert said.verdict.id is FindingId.UNDETERMINED
    assert said.verdict.nodes == (node_at(1),)
    assert [one.source for one in said.verdict.evidence] == [f"node {node_at(1)}"]


@pytest.mark.parametrize("reason", [Reason.LOADING, Reason.BUSY])
def test_what_a_master_says_of_itself_explains_it(reason):
    assert not diagnose(without_node(healthy(), 1, reason)).has(FindingId.UNDETERMINED)


def test_voters_who_lost_a_master_that_answers_us():
    """Certain only where each of them answered, and none reaches it."""
    snapshot = healthy()
    for number, sure in ((1, None), (2, Confidence.LIKELY), (3, Confidence.CERTAIN)):
        snapshot = with_opinion(snapshot, number, flags=MASTER_DOWN)
        found = [one for one in diagnose(snapshot).findings if one.id is FindingId.MASTER_UNREACHABLE]
        assert [one.confidence for one in found] == ([sure] if sure else [])
    assert found[0].nodes == (node_at(1),)
    assert [one.observation for one in found[0].evidence] == ["role master", *["flags master,s_down"] * 3]


def test_health_names_who_agrees():
    said = diagnose(healthy(replicas=1, sentinels=3)).verdict
    assert said.summary == f"{node_at(1)} is the master, followed by 1 replica; 3 Sentinels agree."
    assert (said.nodes, len(said.evidence)) == ((node_at(1),), 5)
    alone = diagnose(healthy(replicas=2, sentinels=0)).verdict
    assert alone.summary == f"{node_at(1)} is the master, followed by 2 replicas."


def test_a_snapshot_of_nothing_is_not_healthy():
    said = diagnose(replace(healthy(sentinels=0), nodes=()))
    assert (said.verdict.id, said.master) == (FindingId.UNDETERMINED, None)
