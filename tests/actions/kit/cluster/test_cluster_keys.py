import pytest

from actions.kit.cluster.keys import slot_of, tag_in
from actions.kit.cluster.view import SLOTS, SlotRange
from sandbox.redis import builds, cluster


@pytest.mark.servers
async def test_the_servers_agree_on_the_slot_of_a_key():
    async with cluster(builds()[0]) as made:
        for key in ("orders", "{orders}:7", "a{b}{c}", "{}orders", "a{b", "{{a}}", "ü"):
            assert slot_of(key) == await made.nodes[0].command("CLUSTER", "KEYSLOT", key)


@pytest.mark.parametrize(
    "slots", [(SlotRange(0, 327),), (SlotRange(16383, 16383),), (SlotRange(7, 7), SlotRange(9, 9))]
)
def test_a_tag_brings_a_key_into_any_slots(slots):
    slot = slot_of(f"tandem:probe:{{{tag_in(slots)}}}:x")
    assert any(first <= slot <= last for first, last in slots)


def test_no_slots_have_no_tag():
    assert tag_in((SlotRange(0, SLOTS - 1),))
    with pytest.raises(ValueError, match="at least one slot"):
        tag_in(())
