"""What a failover of others has cost: what is proven, what is not known, and how things stand after it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from actions.kit.aftermath import Before, aftermath, patience_s, somebody_else
from actions.kit.ports import Standing
from actions.kit.snapshot import Role, Snapshot
from actions.kit.topology import Kind
from tests.builders import (
    OFFSET,
    REPLID,
    healthy,
    info_of,
    node_at,
    with_link,
    with_node,
    with_opinion,
    with_view,
    without_node,
    without_sentinel,
)

AT = datetime(2025, 1, 1, 12, 0, 1, 100_000, UTC)
ACCEPTED = AT + timedelta(seconds=6.3)
OLD, NEW = node_at(1), node_at(2)
FORK = OFFSET + 1


def moved() -> Snapshot:
    """Node 2 was promoted at the offset that all had; node 1 is gone, node 3 and all Sentinels follow."""
    snapshot = with_view(
        healthy(), 2, info=info_of(2, Role.MASTER, replid="b" * 40, replid2=REPLID, second_repl_offset=FORK)
    )
    snapshot = with_link(without_node(snapshot, 1), 3, master=NEW)
    for number in (1, 2, 3):
        snapshot = with_opinion(snapshot, number, address=NEW, config_epoch=1)
    return snapshot


def before(offset: int = OFFSET, replid: str = REPLID) -> Before:
    return Before(OLD, Standing(Role.MASTER, offset, replid=replid), AT)


def told(snapshot: Snapshot, known: Before | None = None) -> str:
    return " ".join(aftermath(known or before(), NEW, ACCEPTED, snapshot).sentences)


def test_all_that_is_proven_is_told():
    found = aftermath(before(), NEW, ACCEPTED, moved())
    text = " ".join(found.sentences)
    assert found.settled
    assert found.lost == 0
    assert (
        "at most 6.3 s nobody answered as the master: 10.0.0.1:6379 last answered as the master at 12:00:01.1" in text
    )
    assert "Nothing is lost of what 10.0.0.1:6379 had at 12:00:01.1 UTC" in text
    assert "10.0.0.2:6379 is the master and takes writes. All 3 Sentinels name it." in text
    assert "1 replica follows it. 10.0.0.1:6379 does not answer" in text


def test_bytes_that_only_the_old_master_had_are_lost():
    found = aftermath(before(OFFSET + 512), NEW, ACCEPTED, moved())
    assert found.lost == 512
    assert "At least 512 bytes that 10.0.0.1:6379 had at 12:00:01.1 UTC are lost" in " ".join(found.sentences)


def test_an_old_master_that_was_there_all_the_time_was_missed_by_nobody():
    assert told(moved(), replace(before(), alive=True)).startswith(
        "10.0.0.1:6379 still answered as a master when 10.0.0.2:6379 became one."
    )


def test_who_was_promoted_and_follows_again_is_no_master():
    found = aftermath(before(), NEW, ACCEPTED, healthy())
    assert found.settled
    assert found.sentences[1] == (
        "10.0.0.2:6379 follows 10.0.0.1:6379 by now; what only 10.0.0.2:6379 took as a master is lost."
    )


@pytest.mark.parametrize(
    ("snapshot", "named", "said"),
    [
        (healthy(sentinels=0), False, "Somebody has promoted 10.0.0.2:6379: nobody is in charge here"),
        (healthy(), False, "Somebody has promoted 10.0.0.2:6379 behind the Sentinels: 3 of 3 name 10.0.0.1:6379."),
        (healthy(), True, None),
        (with_opinion(healthy(), 3, address=NEW), False, None),
        (with_opinion(healthy(), 3, flags=frozenset({"master", "failover_in_progress"})), False, None),
        (without_sentinel(without_sentinel(without_sentinel(healthy(), 1), 2), 3), False, None),
        (replace(healthy(sentinels=0), kind=Kind.CLUSTER), False, None),
    ],
)
def test_whether_anybody_in_charge_can_have_promoted_it(snapshot, named, said):
    found = somebody_else(NEW, snapshot, named=named)
    assert found is None if said is None else found.startswith(said)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (Before(OLD), "its history was not seen before"),
        (Before(None), "its history was not seen before"),
        (before(replid="c" * 40), "their histories share no replication id"),
    ],
)
def test_what_is_not_known_is_said(known, why):
    found = aftermath(known, NEW, ACCEPTED, moved())
    assert found.lost is None
    assert f"Which bytes are lost is not known: {why}." in found.sentences


def test_nobody_knows_how_long_it_took_who_did_not_watch():
    assert (
        aftermath(Before(OLD), NEW, ACCEPTED, moved())
        .sentences[0]
        .startswith("How long nobody was the master is not known")
    )
    assert (
        aftermath(before(), NEW, None, moved()).sentences[0].startswith("How long nobody was the master is not known")
    )


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (OFFSET + 40, "At most 40 bytes are only on 10.0.0.1:6379"),
        (OFFSET, "Nothing is lost so far: 10.0.0.1:6379 has no byte that 10.0.0.2:6379 has not; what it still takes"),
    ],
)
def test_an_old_master_that_still_answers_says_what_only_it_has(offset, said):
    alive = with_view(moved(), 1, info=info_of(1, Role.MASTER, offset=offset), unasked=None)
    assert said in told(alive)
    assert "still says that it is a master" in told(alive)
    assert "10.0.0.2:6379 takes writes, and is not the only master." in told(alive)
    assert not aftermath(before(), NEW, ACCEPTED, alive).settled


def test_an_old_master_that_follows_is_a_replica():
    back = moved().nodes[2].info
    assert back is not None
    followed = with_view(moved(), 1, info=back, unasked=None)
    assert "10.0.0.1:6379 is its replica now." in told(followed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (with_opinion(moved(), 3, address=OLD), "2 of 3 Sentinels name it; 10.1.0.3:26379 does not."),
        (with_link(moved(), 3, master=OLD), "10.0.0.3:6379 does not follow 10.0.0.2:6379 yet."),
        (with_link(moved(), 3, up=False), "The link of 10.0.0.3:6379 to 10.0.0.2:6379 is not up yet."),
        (with_node(moved(), 2, loading=True), "10.0.0.2:6379 was promoted, and is not seen to take writes."),
        (without_sentinel(without_sentinel(moved(), 1), 2), "Only 1 of 3 Sentinels answer."),
    ],
)
def test_it_is_not_settled_before_all_who_answer_are_where_they_belong(changed, said):
    found = aftermath(before(), NEW, ACCEPTED, changed)
    assert said in found.sentences
    assert not found.settled


def test_a_master_that_wants_more_replicas_than_it_has_takes_no_writes():
    node = moved().nodes[1]
    strict = replace(node.config, min_replicas_to_write=2)
    changed = with_node(with_view(moved(), 2, config=strict), 2, good_replicas=1)
    assert not aftermath(before(), NEW, ACCEPTED, changed).settled


def test_how_long_whoever_is_in_charge_may_take():
    assert patience_s(moved()) == 10
    assert patience_s(healthy(sentinels=0)) is None
    assert patience_s(replace(healthy(sentinels=0), kind=Kind.CLUSTER)) is None
    assert patience_s(replace(healthy(sentinels=0), kind=Kind.ELASTICACHE)) == 300
