"""Runs one scenario: builds it, does what is to be done, and looks until the expected is said twice running.

All that is said on the way counts: whoever reads one wrong verdict that was said with certainty may act on it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace

from actions.adapters import TargetHands, connect
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Diagnosis
from sandbox.redis import Build, builds
from tests.scenarios.clients import clients
from tests.scenarios.corpus import ON_EVERY_BUILD, SCENARIOS
from tests.scenarios.scenario import CERTAIN, Scenario

SEEN_WITHIN_S = 60.0
EVERY_S = 0.1
PROMOTING = frozenset({"failover", "promote", "takeover"})
"""What nobody may be offered where it is not expected."""


@dataclass
class Heard:
    """What was said of a scenario: last, how long after the fault, and what was said wrongly on the way."""

    said: Diagnosis
    seconds: float = 0.0
    good: bool = False
    wrong: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """The expected was said, and nothing wrong with certainty at any moment."""
        return self.good and not self.wrong


def cases() -> tuple[tuple[Scenario, Build], ...]:
    """Every scenario on the first build that can run it, and some on all."""
    found = []
    for scenario in (one for one in SCENARIOS if one.needs()):
        able = [build for build in builds() if build.has_tls or not scenario.settings.get("tls")]
        found += [(scenario, build) for build in (able if scenario.name in ON_EVERY_BUILD else able[:1])]
    return tuple(found)


async def run(scenario: Scenario, build: Build) -> Heard:
    """What is said of it, until it is as expected or its time is over."""
    async with scenario.on(build, scenario.settings) as stage:
        hands = connect(replace(stage.target, **scenario.target))
        try:
            async with clients(stage, scenario.clients):
                await scenario.fault(stage.built)
                return await _watched(scenario, stage.nodes, hands)
        finally:
            await hands.aclose()


async def _watched(scenario: Scenario, nodes: tuple[str, ...], hands: TargetHands) -> Heard:
    """Links and Sentinels notice a fault in their own time."""
    began, before, right = time.monotonic(), None, 0
    wrong: list[str] = []
    while True:
        snapshot = await hands.observe()
        said = diagnose(snapshot, before)
        wrong += [one for one in wrongly(scenario, said) if one not in wrong]
        seconds = time.monotonic() - began
        right = right + 1 if matches(scenario, said, nodes) else 0
        if right == 2 or (right and not scenario.lasts) or seconds > SEEN_WITHIN_S:
            return Heard(said, seconds, right > 0, wrong)
        before = snapshot
        await asyncio.sleep(EVERY_S)


def matches(scenario: Scenario, said: Diagnosis, nodes: tuple[str, ...] = ()) -> bool:
    """Whether the verdict is the expected one, offers what it should, and all that has to stand beside it does."""
    verdict = said.verdict
    expected = verdict.id is scenario.verdict and verdict.confidence is scenario.confidence
    offered = {line.partition(" ")[0] for one in said.findings for line in one.suggests}
    fitting = scenario.offers <= offered and offered & PROMOTING <= scenario.offers
    named = scenario.master is None or str(said.master) == nodes[scenario.master]
    named &= scenario.loser is None or str(said.master) not in {str(None), nodes[scenario.loser]}
    return expected and fitting and named and scenario.also <= {one.id for one in said.findings}


def wrongly(scenario: Scenario, said: Diagnosis) -> list[str]:
    """What was said with certainty, and is not so."""
    true = scenario.meanwhile | ({scenario.verdict} if scenario.confidence is CERTAIN else frozenset())
    sure = [one for one in said.findings if one.confidence is CERTAIN]
    return [
        f"{one.id}: {one.summary}"
        for one in sure
        if one.id in scenario.never or (one is said.verdict and one.id not in true)
    ]


def expected(scenario: Scenario) -> str:
    """What a scenario expects, for a table."""
    offers = f", offers {' and '.join(sorted(scenario.offers))}" if scenario.offers else ""
    return " + ".join([f"{scenario.verdict} ({scenario.confidence}{offers})", *sorted(scenario.also)])


def said_of(said: Diagnosis) -> str:
    """What was said, for a table."""
    others = sorted({one.id.value for one in said.findings} - {said.verdict.id.value})
    return " + ".join([f"{said.verdict.id} ({said.verdict.confidence})", *others])


def row(scenario: Scenario, build: Build, heard: Heard) -> tuple[str, ...]:
    """One line of the table: scenario, expected, said, seconds; whether it is right."""
    said = "; ".join([said_of(heard.said), *(f"WRONGLY: {one}" for one in heard.wrong)])
    name = f"{scenario.name} on {build.name}"
    return ("ok" if heard.right else "BAD", name, expected(scenario), said, f"{heard.seconds:.1f}")
