"""Runs one scenario: starts it, does what is to be done, and looks until the expected is said or its time is over."""

import asyncio
import time

from actions.adapters.redis import Observer
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Diagnosis
from actions.kit.topology import Kind, Target
from sandbox.redis import Build, builds, replication, sentinel
from tests.failover import target_of
from tests.scenarios.corpus import ON_EVERY_BUILD, SCENARIOS, Scenario

SEEN_WITHIN_S = 40.0


def cases() -> tuple[tuple[Scenario, Build], ...]:
    """Every scenario on the first build that can run it, and some on all."""
    found = []
    for scenario in SCENARIOS:
        able = [build for build in builds() if build.has_tls or not scenario.settings.get("tls")]
        found += [(scenario, build) for build in (able if scenario.name in ON_EVERY_BUILD else able[:1])]
    return tuple(found)


async def run(scenario: Scenario, build: Build) -> Diagnosis:
    """What is said of it: as soon as it is as expected, else what was said last."""
    start = sentinel if scenario.kind is Kind.SENTINEL else replication
    async with start(build, **scenario.settings) as topology:
        await scenario.fault(topology)
        return await _diagnosed(scenario, target_of(topology, **scenario.target))


async def _diagnosed(scenario: Scenario, target: Target) -> Diagnosis:
    """Links and Sentinels notice a fault in their own time."""
    observer = Observer(target)
    deadline = time.monotonic() + SEEN_WITHIN_S
    try:
        while True:
            said = diagnose(await observer.observe())
            if matches(scenario, said) or time.monotonic() > deadline:
                return said
            await asyncio.sleep(0.1)
    finally:
        await observer.aclose()


def matches(scenario: Scenario, said: Diagnosis) -> bool:
    """Whether the verdict is the expected one and all that has to stand beside it does."""
    verdict = said.verdict.id is scenario.verdict and said.verdict.confidence is scenario.confidence
    return verdict and scenario.also <= {one.id for one in said.findings}


def expected(scenario: Scenario) -> str:
    """What a scenario expects, for a table."""
    return " + ".join([f"{scenario.verdict} ({scenario.confidence})", *sorted(scenario.also)])


def heard(said: Diagnosis) -> str:
    """What was said, for a table."""
    others = sorted({one.id.value for one in said.findings} - {said.verdict.id.value})
    return " + ".join([f"{said.verdict.id} ({said.verdict.confidence})", *others])
