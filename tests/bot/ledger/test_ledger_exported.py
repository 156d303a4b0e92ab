"""An export of the audit: whatever is done to one line of it is found."""

import io
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.ledger.chain import START, AuditRow, canonical, verify_export
from bot.ledger.exported import NotAnExport, line, read

WORDS = st.text(st.characters(exclude_categories=()), max_size=12)


@st.composite
def audits(draw, least=1):
    """Some rows in order, as the ledger chains them."""
    rows, previous = [], START
    for number in range(1, draw(st.integers(least, 6)) + 1):
        details = canonical(draw(st.dictionaries(WORDS, WORDS | st.integers() | st.booleans(), max_size=3)))
        row = AuditRow(number, *draw(st.tuples(*[WORDS] * 5)), details, previous, hash="")
        rows.append(replace(row, hash=row.digest()))
        previous = rows[-1].hash
    return rows


def exported(rows):
    return b"".join(line(row).encode() for row in rows)


def verified(text, noted=None):
    return verify_export(read(io.BytesIO(text), "It"), noted)


def found(text, noted=None):
    try:
        return verified(text, noted).problem
    except NotAnExport as error:
        return str(error)


@given(audits())
def test_what_was_exported_is_in_order_and_ends_with_the_last_hash(rows):
    check = verified(exported(rows), rows[0].hash)
    assert (check.rows, check.hash, check.problem, check.noted_at) == (len(rows), rows[-1].hash, None, 1)


@given(audits(), st.data())
def test_any_byte_that_is_changed_removed_or_added_is_found(rows, data):
    text = exported(rows)
    at = data.draw(st.integers(0, len(text) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    changed = data.draw(
        st.sampled_from([text[:at] + byte + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + byte + text[at:]])
    )
    assume(changed != text)
    assert found(changed)


@given(audits(), st.data())
def test_any_column_that_is_changed_is_found_and_the_row_named(rows, data):
    index = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from([name for name in rows[0].columns() if name != "number"]))
    value = data.draw(WORDS)
    assume(value != getattr(rows[index], name))
    changed = [*rows[:index], replace(rows[index], **{name: value}), *rows[index + 1 :]]
    assert f"Row {index + 1} of the audit was changed" in found(exported(changed))


@given(audits(least=2), st.data())
def test_any_row_that_is_removed_is_found_and_named_and_the_last_one_by_its_hash(rows, data):
    index = data.draw(st.integers(0, len(rows) - 1))
    problem = found(exported(rows[:index] + rows[index + 1 :]), rows[-1].hash)
    named = "has the hash that was noted" if index == len(rows) - 1 else f"Row {index + 1} of the audit is missing"
    assert named in problem


@given(audits(least=2), st.data())
def test_any_two_rows_that_change_places_are_found_and_the_first_is_named(rows, data):
    one, other = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
    swapped = list(rows)
    swapped[one], swapped[other] = rows[other], rows[one]
    named = f"Row {one + 1} of the audit is missing or was moved" if one else f"Also, it begins with row {other + 1}"
    assert named in found(exported(swapped))


@given(audits(), st.data())
def test_a_row_that_is_there_twice_is_found(rows, data):
    index = data.draw(st.integers(0, len(rows) - 1))
    assert "was repeated or moved" in found(exported(rows[: index + 1] + rows[index:]))


@given(audits(least=2), st.data())
def test_a_row_that_was_forged_with_a_hash_of_its_own_breaks_the_chain(rows, data):
    index = data.draw(st.integers(0, len(rows) - 1))
    changed = replace(rows[index], kind=rows[index].kind + "x")
    forged = [*rows[:index], replace(changed, hash=changed.digest()), *rows[index + 1 :]]
    assert found(exported(forged), rows[-1].hash)


@pytest.mark.parametrize(
    "second",
    [
        b"{}\n",
        b"\n",
        b"[" * 100_000,
        b"1" * 5_000,
        b"\xff\n",
        lambda row: line(row).encode().rstrip(),
        lambda row: line(row).encode()[:-20],
        lambda row: line(row).encode().replace(b"\n", b"\r\n"),
        lambda row: json.dumps(row.columns()).encode() + b"\n",
        lambda row: line(row).encode().replace(b'"kind":', b'"kind":"x","kind":'),
        lambda row: line(row).encode().replace(b'"number":2', b'"number":2.0'),
    ],
)
def test_a_line_that_is_cut_off_or_no_row_is_named(second):
    first = AuditRow(1, "", "", "", "", "", "{}", START, "")
    first = replace(first, hash=first.digest())
    row = replace(first, number=2, previous=first.hash, hash="")
    row = replace(row, hash=row.digest())
    text = second(row) if callable(second) else second
    check = verified(line(first).encode() + text)
    assert (check.rows, check.hash) == (1, first.hash)
    assert "Row 2 of the audit is not as Tandem writes one" in check.problem


@pytest.mark.parametrize(("text", "why"), [(b"", "is empty"), (b"SQLite format 3\0", "no export"), (b"{}\n", "no ex")])
def test_what_is_no_export_is_said_to_be_none(text, why):
    with pytest.raises(NotAnExport, match=why):
        verified(text)
