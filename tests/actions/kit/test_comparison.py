"""What two looks at a key prove together."""

import pytest

from actions.kit.comparison import Comparison, Found, KeyLook, Side, judged
from actions.kit.topology import Address

NOTHING = Side()


def side(digest=b"", expires_at_ms=-1, kind=b"string"):
    return Side(kind, expires_at_ms, digest)


def look(first, second):
    match bool(first.kind), bool(second.kind):
        case True, True:
            return KeyLook(Found.SAME if first == second else Found.DIFFERENT, first, second)
        case True, False:
            return KeyLook(Found.ONLY_FIRST, first, second)
        case False, True:
            return KeyLook(Found.ONLY_SECOND, first, second)
    return KeyLook(Found.GONE, first, second)


@pytest.mark.parametrize(
    ("earlier", "later", "found"),
    [
        pytest.param((side(b"a"), side(b"b")), (side(b"a"), side(b"b")), Found.DIFFERENT, id="nothing moved"),
        pytest.param((side(b"a"), side(b"b")), (side(b"c"), side(b"b")), Found.DIFFERENT, id="one side moves"),
        pytest.param((side(b"a"), side(b"b")), (side(b"c"), side(b"d")), Found.UNDECIDED, id="both sides move"),
        pytest.param((side(b"a"), side(b"b")), (side(b"c"), side(b"c")), Found.SAME, id="the replica has caught up"),
        pytest.param((side(b"a"), NOTHING), (NOTHING, NOTHING), Found.GONE, id="it expired on one side first"),
        pytest.param((side(), NOTHING), (side(), NOTHING), Found.ONLY_FIRST, id="only there"),
        pytest.param(
            (side(b"a"), side(b"b")), (side(), NOTHING), Found.ONLY_FIRST, id="deleted on the other meanwhile"
        ),
        pytest.param((side(), NOTHING), (NOTHING, side()), Found.UNDECIDED, id="it changed sides"),
        pytest.param((NOTHING, side()), (NOTHING, side()), Found.ONLY_SECOND, id="only on the other"),
        pytest.param(
            (side(b"a", 5_000), side(b"b")), (side(b"a", 9_000), side(b"d")), Found.UNDECIDED, id="its expiry moves too"
        ),
        pytest.param(
            (side(b"a", 5_000), side(b"b")), (side(b"a", 5_007), side(b"d")), Found.DIFFERENT, id="clocks are coarse"
        ),
    ],
)
def test_two_looks(earlier, later, found):
    assert judged(look(*earlier), look(*later)) is found


def test_what_cannot_be_compared_stays_undecided():
    unread = KeyLook(Found.UNDECIDED, side(b"a"), side(b"b"))
    assert judged(unread, unread) is Found.UNDECIDED


def test_alike_is_said_of_nothing_but_a_whole_comparison():
    ends = (Address("127.0.0.1", 1), Address("127.0.0.1", 2))
    assert Comparison(*ends, same=3).alike
    assert not Comparison(*ends, same=3, complete=False, why_incomplete="It died.").alike
    assert not Comparison(*ends, same=3, undecided=1).alike
    assert not Comparison(*ends, same=3, only_second=1).alike
