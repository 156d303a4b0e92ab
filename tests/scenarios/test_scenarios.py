"""Every scenario on real servers: its verdict, how sure it is, what must stand beside it, what is never said of it."""

from collections.abc import Callable

import pytest

from sandbox.redis import Build
from tests.scenarios.run import cases, expected, row, run
from tests.scenarios.scenario import Scenario

pytestmark = pytest.mark.servers

CASES = tuple(pytest.param(*case, id=f"{case[0].name} on {case[1].name}") for case in cases())


@pytest.mark.parametrize(("scenario", "build"), CASES)
async def test_scenario(scenario: Scenario, build: Build, record_property: Callable[[str, object], None]):
    heard = await run(scenario, build)

    record_property("corpus", row(scenario, build, heard))
    assert not heard.wrong, "said with certainty, and not so"
    said = "\n".join(f"{one.id} {one.confidence}: {one.summary}" for one in heard.said.findings)
    assert heard.good, f"expected {expected(scenario)}, said:\n{said}"
