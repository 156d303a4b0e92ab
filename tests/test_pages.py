"""The pages that say which test shows what name tests that exist."""

import re
from pathlib import Path

import pytest

from actions.kit.findings import FindingId

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("approvals", "runbook-coverage")}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGES[page])
    assert len(named) > 30
    for file, test in named:
        there = re.search(rf"^(?:async )?(?:def|class) {test}\b|^{test} = ", (ROOT / file).read_text(), re.MULTILINE)
        assert there or not test, test


def test_every_complaint_about_approvals_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (.+) \|$", PAGES["approvals"], re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 16))
    assert all("tests/" in shown for _, shown in rows)


def test_every_command_of_the_runbook_has_a_test_or_says_that_it_is_not_covered_yet() -> None:
    rows = re.findall(r"^\| `[^|]+ \| [^|]* \| (.+) \|$", PAGES["runbook-coverage"], re.MULTILINE)
    assert len(rows) > 40
    assert all("tests/" in shown or shown.startswith("not covered yet") for shown in rows)


def test_every_finding_has_its_conditions_on_the_page() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", (ROOT / "docs" / "diagnosis.md").read_text(), re.MULTILINE
    )
    assert sorted(rows) == sorted(FindingId)
