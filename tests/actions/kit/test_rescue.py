"""What is written of a copy is read again as it was, or not at all; and what is said of its keys is true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some

from actions.adapters import connect
from actions.kit.errors import RescueDamaged, RescueFailed
from actions.kit.rescue import Diverged, RescueCopy, copy_name, manifest_of, parse_manifest, stem_of
from actions.kit.rescue_place import Folder
from actions.kit.topology import Address, Kind, ReplicationGroup, Target

NODE = Address("10.0.0.1", 6379)
COPY = RescueCopy(
    node=NODE,
    name="orders-7-node.rdb",
    where="/srv/rescue/orders/orders-7-node.rdb",
    size_bytes=10,
    sha256="ab" * 32,
    checked="redis-check-rdb 7.0.15: good",
    keys=5,
    replid="c" * 40,
    offset=77,
    taken_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    dbsize=(5, 5),
    diverged=Diverged("orders-7-node.diverged.resp", 3, "cd" * 32, 75, 77),
)


@pytest.mark.parametrize("copy", [COPY, replace(COPY, keys=None, dbsize=None, diverged=None, not_diverged="None.")])
def test_a_manifest_is_read_as_it_was_written(copy):
    proof = {copy.name: {"checksum": "x-1"}}
    assert parse_manifest(manifest_of(copy, proof)) == (copy, proof)


@given(some.binary() | some.text().map(str.encode) | some.integers(0, 600).map(lambda end: manifest_of(COPY)[:end]))
def test_whatever_lies_there_instead_is_told_from_a_manifest(text):
    with pytest.raises(RescueDamaged, match="is not what was written there"):
        parse_manifest(text)


@given(some.text(), some.text(), some.text(min_size=1))
def test_any_words_make_a_file_name_that_is_taken_and_leads_nowhere_else(target, run, host):
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    name = copy_name(f"t{target}"[:40], run[:40], Address(host[:40], 1), at)
    assert name.endswith("-20260102T010405000Z.rdb")
    assert stem_of(name) == name.removesuffix(".rdb")


def test_the_name_of_a_node_by_its_address():
    assert (
        copy_name("orders", "r7", Address("fd00::1", 6379), COPY.taken_at)
        == "orders-r7-fd00-1-6379-20260102T030405000Z.rdb"
    )


@pytest.mark.parametrize(
    "name", ["", "a", ".rdb", "../a.rdb", "a/b.rdb", ".a.rdb", "a.rdb\n", "a" * 300 + ".rdb", "ä.rdb"]
)
def test_what_is_no_name_of_a_copy(name):
    with pytest.raises(RescueFailed, match="is no name for a rescue copy"):
        stem_of(name)


@pytest.mark.parametrize(
    ("keys", "dbsize", "said"),
    [
        (5, (5, 5), ""),
        (5, (6, 4), "It holds 5 keys; the node counted 6 before and 4 after: keys expired or were written meanwhile."),
        (5, (6, 6), "It holds 5 keys; the node counted 6: keys expire while a node is copied."),
        (5, None, ""),
        (None, None, "How many keys it holds is not known."),
        (None, (1, 1), "How many keys it holds is not known."),
    ],
)
def test_what_is_said_where_the_counts_differ(keys, dbsize, said):
    assert replace(COPY, keys=keys, dbsize=dbsize).count_note == said


async def test_of_elasticache_there_are_no_copies(tmp_path):
    group = ReplicationGroup("eu-west-1", "aragora-redis")
    hands = connect(Target("search", Kind.ELASTICACHE, elasticache=group, rescue=Folder(str(tmp_path))))
    said = "AWS lets nobody copy a node as a replica does; a snapshot of the group is the way there."
    assert (await hands.rescue_room(NODE)).why_not == said
    for asked in (hands.rescue(NODE, COPY.name, {}), hands.rescued(COPY.name)):
        with pytest.raises(RescueFailed, match="AWS lets nobody copy a node"):
            await asked
    await hands.aclose()
