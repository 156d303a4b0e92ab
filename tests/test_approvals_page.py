"""The page that says which test shows what names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "approvals.md").read_text()


def test_every_test_that_the_page_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for file, test in named:
        there = re.search(rf"^(?:async )?(?:def|class) {test}\b|^{test} = ", (ROOT / file).read_text(), re.MULTILINE)
        assert there or not test, test


def test_every_line_has_a_test():
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 16))
    assert all("tests/" in shown for _, shown in rows)
