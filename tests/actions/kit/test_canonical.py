"""One value has one digest, and two values have two, whatever order and wording a server gives them in."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.canonical import EXPIRY_SLACK_MS, NEVER, digest, is_canonical, same_expiry
from actions.kit.errors import Garbled

words = st.binary(max_size=8)
numbers = st.floats(allow_nan=False)


def flat(pairs):
    return [word for pair in pairs for word in pair]


def shuffled(items):
    return st.permutations(items).map(list)


unordered = st.one_of(
    st.tuples(
        st.just(b"set"), st.sets(words).map(list).flatmap(lambda some: st.tuples(shuffled(some), shuffled(some)))
    ),
    st.tuples(
        st.just(b"hash"),
        st.dictionaries(words, words)
        .map(lambda fields: list(fields.items()))
        .flatmap(lambda pairs: st.tuples(shuffled(pairs).map(flat), shuffled(pairs).map(flat))),
    ),
    st.tuples(
        st.just(b"zset"),
        st.dictionaries(words, numbers)
        .map(lambda scores: list(scores.items()))
        .flatmap(
            lambda pairs: st.tuples(
                shuffled([(name, repr(number).encode()) for name, number in pairs]).map(flat),
                shuffled([(name, b"%.17g" % number) for name, number in pairs]).map(flat),
            )
        ),
    ),
)


@given(unordered)
def test_neither_order_nor_the_wording_of_a_score_matters(case):
    kind, (one, other) = case
    assert digest(kind, one) == digest(kind, other)


def as_reply(kind, value):
    match kind:
        case b"hash":
            return flat(sorted(value.items()))
        case b"zset":
            return flat((name, b"%d" % number) for name, number in sorted(value.items()))
        case b"set":
            return sorted(value)
    return value


by_kind = {
    b"string": words,
    b"list": st.lists(words, max_size=4),
    b"set": st.frozensets(words, max_size=4),
    b"hash": st.dictionaries(words, words, max_size=4),
    b"zset": st.dictionaries(words, st.integers(-9, 9), max_size=4),
}


@given(st.sampled_from(sorted(by_kind)).flatmap(lambda kind: st.tuples(st.just(kind), by_kind[kind], by_kind[kind])))
def test_two_values_have_one_digest_only_if_they_are_equal(case):
    kind, one, other = case
    assert (digest(kind, as_reply(kind, one)) == digest(kind, as_reply(kind, other))) == (one == other)


def stream(*entries, last=b"2-1", pel=(), **more):
    group = [b"name", b"g", b"last-delivered-id", b"1-1", more.pop("pending_name", b"pel"), list(pel)]
    groups = [[*group, b"consumers", [[b"name", b"c", b"seen-time", 7]]]]
    told = [b"last-generated-id", last, b"entries", list(entries), b"groups", groups]
    return told + [word for name, value in more.items() for word in (name.encode(), value)]


ENTRY = [b"1-1", [b"field", b"value"]]
PENDING = [b"1-1", b"c", 1_700_000_000_000, 1]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stream(ENTRY, pel=[PENDING], pending_name=b"pending"), id="pel has another name since 7.0"),
        pytest.param(stream(ENTRY, pel=[PENDING], entries_added=3), id="newer versions say more"),
        pytest.param(stream(ENTRY, pel=[[*PENDING[:2], 1, 1]]), id="when it was delivered"),
    ],
)
def test_a_stream_is_the_same(other):
    assert digest(b"stream", stream(ENTRY, pel=[PENDING])) == digest(b"stream", other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stream(pel=[PENDING]), id="an entry less"),
        pytest.param(stream([b"1-1", [b"field", b"other"]], pel=[PENDING]), id="another value"),
        pytest.param(stream(ENTRY, last=b"3-1", pel=[PENDING]), id="an entry was added and deleted"),
        pytest.param(stream(ENTRY), id="acknowledged"),
        pytest.param(stream(ENTRY, pel=[[b"1-1", b"d", 1, 1]]), id="another consumer has it"),
        pytest.param(stream(ENTRY, pel=[[b"1-1", b"c", 1, 2]]), id="delivered again"),
    ],
)
def test_a_stream_is_another(other):
    assert digest(b"stream", stream(ENTRY, pel=[PENDING])) != digest(b"stream", other)


def test_a_module_is_judged_by_its_dump_without_the_footer_and_that_proves_no_difference():
    assert digest(b"ReJSON-RL", b"payload" + b"\x09\x00checksum") == digest(
        b"ReJSON-RL", b"payload" + b"\x0b\x00CHECKSUM"
    )
    assert not is_canonical(b"ReJSON-RL")
    assert is_canonical(b"stream")


@given(
    st.sampled_from([*sorted(by_kind), b"stream", b"ReJSON-RL"]),
    st.recursive(
        st.none() | st.integers() | st.binary(max_size=4), lambda inner: st.lists(inner, max_size=4), max_leaves=8
    ),
)
def test_whatever_comes_is_a_digest_or_garbled(kind, reply):
    with contextlib.suppress(Garbled):
        assert len(digest(kind, reply)) == 16


def test_expiries_a_moment_apart_are_the_same():
    assert same_expiry(NEVER, NEVER)
    assert same_expiry(10_000, 10_000 + EXPIRY_SLACK_MS)
    assert not same_expiry(10_000, 10_001 + EXPIRY_SLACK_MS)
    assert not same_expiry(NEVER, 0)
