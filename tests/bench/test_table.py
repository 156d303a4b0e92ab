"""What the comparisons print: Markdown that lines up, and percentiles that name a value that was measured."""

import pytest

from bench.table import p99, spread, table


def test_a_table_lines_up():
    assert table("Writes", ("way", "lost"), [("plain", "16,000"), ("Tandem", "0")]).splitlines() == [
        "### Writes",
        "",
        "| way    | lost   |",
        "| ------ | ------ |",
        "| plain  | 16,000 |",
        "| Tandem | 0      |",
    ]


def test_a_row_that_does_not_fit_its_head_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        table("Writes", ("way", "lost"), [("plain", "0", "met")])


def test_spread():
    assert spread([3, 1, 2000]) == "1 / 3 / 2,000"


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2, 2), (99, 99), (100, 99), (101, 100), (300, 297)])
def test_the_99th_percentile_by_nearest_rank(count, expected):
    assert p99(list(range(count, 0, -1))) == expected
