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
    """Print what the kill matrix found: a line for each time that the bot was killed, stopped or left alone."""
    reports = [one for group in terminalreporter.stats.values() for one in group if isinstance(one, pytest.TestReport)]
    ran = [one for one in reports if one.when == "call"]
    rows = [row for one in ran for name, row in one.user_properties if name == "kill matrix"]
    if not rows:
        return
    heading = ["point", "killed", "database", "outcome", "failovers", "lost writes", "pause left", "fence left"]
    terminalreporter.section("kill matrix")
    for row in [heading, *sorted(rows, key=str)]:
        terminalreporter.write_line(" ".join(f"{cell!s:<14}" for cell in row).rstrip())
