"""Every scenario on real servers: its verdict, its confidence, and what must stand beside it."""

import pytest

from sandbox.redis import Build
from tests.scenarios.corpus import Scenario
from tests.scenarios.run import cases, matches, run

pytestmark = pytest.mark.servers

CASES = tuple(pytest.param(*case, id=f"{case[0].name} on {case[1].name}") for case in cases())


@pytest.mark.parametrize(("scenario", "build"), CASES)
async def test_scenario(scenario: Scenario, build: Build):
    said = await run(scenario, build)

    assert matches(scenario, said), "\n".join(f"{one.id} {one.confidence}: {one.summary}" for one in said.findings)
