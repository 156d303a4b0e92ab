"""Masters that do not answer us: who else has to see them, and who sees only a replica in a chain."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, Diagnosis, FindingId
from actions.kit.snapshot import AttachedReplica, Reason, Role, Snapshot
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


def replaced_master(**link: object) -> Snapshot:
    """Node 2 was promoted; node 1 is silent, and a replica that is down to the Sentinels; node 3 follows it still."""
    snapshot = with_link(without_node(healthy(3), 1), 4, master=node_at(2))
    seen = snapshot.nodes[3].info
    attached = (AttachedReplica(node_at(4), "online", seen.offset, 0),)
    snapshot = with_node(snapshot, 2, role=Role.MASTER, link=None, replid="b" * 40, replicas=attached)
    snapshot = with_link(with_node(snapshot, 4, replid="b" * 40), 3, **link)
    replicas = healthy(3).sentinels[0].master.replicas
    old = replace(replicas[0], address=node_at(1), flags=frozenset({"slave", "s_down"}))
    for number in (1, 2, 3):
        snapshot = with_opinion(snapshot, number, address=node_at(2), config_epoch=1, replicas=(old, *replicas[1:]))
    return snapshot


def down(snapshot: Snapshot) -> dict[str, str]:
    found = [one for one in diagnose(snapshot).findings if one.id is FindingId.REPLICA_DOWN]
    return {str(one.nodes[0]): one.confidence for one in found}


def test_an_old_master_that_sends_its_own_history_is_no_replica_though_the_sentinels_call_it_one():
    said = diagnose(replaced_master(last_io_s=0))
    assert (said.verdict.id, said.verdict.confidence) == (FindingId.SPLIT_BRAIN, Confidence.LIKELY)
    assert split(said) == names(1, 2)
    same = with_node(replaced_master(last_io_s=0), 3, replid="b" * 40)
    assert split(diagnose(same)) == (), "it is in a chain: what it sends is the master's"
    assert split(diagnose(replaced_master(last_io_s=5))) == (), "it may have died since"


@pytest.mark.parametrize("silence_s", [3, 5, 12])
def test_an_old_master_from_which_a_replica_heard_lately_is_not_certainly_down(silence_s):
    assert down(replaced_master(last_io_s=silence_s)) == {str(node_at(1)): Confidence.LIKELY}
    assert down(replaced_master(last_io_s=13)) == {str(node_at(1)): Confidence.CERTAIN}
    assert down(replaced_master(up=False, down_since_s=3)) == {str(node_at(1)): Confidence.CERTAIN}


def test_two_that_are_silent_together_may_go_on_with_each_other():
    lost = replaced_master(up=False, down_since_s=3)
    replicas = tuple(replace(one, flags=frozenset({"slave", "s_down"})) for one in lost.sentinels[0].master.replicas)
    for number in (1, 2, 3):
        lost = with_opinion(lost, number, replicas=replicas)
    both = dict.fromkeys(names(1, 3), Confidence.LIKELY)
    assert down(without_node(lost, 3)) == both
    gone = without_node(without_node(lost, 1, Reason.REFUSED), 3, Reason.REFUSED)
    assert down(gone) == dict.fromkeys(names(1, 3), Confidence.CERTAIN)


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
