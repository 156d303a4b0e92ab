"""What every test can have: a ledger's database, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sandbox.postgresql import PostgreSQL
from tests.databases import DATABASES, Databases

# The same examples on every machine, however slow it is: what fails is then due to the change that is tested.
settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    made = Databases()
    yield made
    made.close()


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A new ledger's URL; the test runs once on each database."""
    with databases.new(request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A database without any table; the test runs once on each."""
    with databases.new(request.param, tmp_path, empty=True) as url:
        yield url


@pytest.fixture
def postgresql_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A new ledger's URL on PostgreSQL, for what only that can do."""
    with databases.new("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server of its own, for tests that stop it."""
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the kill matrix found, a line for each time that the bot was killed, and what was said of each fault.

    The scenarios come with what was expected of each, and the seconds that it took.
    """
    heading = ("point", "killed", "database", "outcome", "failovers", "lost writes", "pause left", "fence left")
    _table(terminalreporter, "kill matrix", (heading, *sorted(_rows(terminalreporter, "kill matrix"), key=str)))
    _table(
        terminalreporter,
        "corpus",
        (("", "scenario", "expected", "said", "seconds"), *_rows(terminalreporter, "corpus")),
    )


def _rows(reporter: pytest.TerminalReporter, of: str) -> list[tuple[object, ...]]:
    reports = [one for group in reporter.stats.values() for one in group if isinstance(one, pytest.TestReport)]
    ran = [one for one in reports if one.when == "call"]
    return [tuple(row) for one in ran for name, row in one.user_properties if name == of]


def _table(reporter: pytest.TerminalReporter, title: str, rows: tuple[tuple[object, ...], ...]) -> None:
    if rows[1:]:
        reporter.section(title)
        widths = [max(len(str(cell)) for cell in column) + 2 for column in zip(*rows, strict=True)]
        for row in rows:
            reporter.write_line("".join(f"{cell!s:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
