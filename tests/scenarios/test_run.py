"""What counts as right in a scenario: a wrong word said with certainty counts, though the right one followed."""

from dataclasses import replace

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Diagnosis, Evidence, Finding, Severity
from tests.builders import healthy, node_at
from tests.scenarios.corpus import SCENARIOS
from tests.scenarios.faults.masters import nothing
from tests.scenarios.run import matches, wrongly
from tests.scenarios.scenario import CERTAIN, LIKELY, UNDETERMINED, F, Scenario
from tests.scenarios.stages import sentinel

SPLIT = Scenario("split", sentinel, nothing, F.SPLIT_BRAIN, LIKELY, meanwhile=frozenset({F.FAILOVER_IN_PROGRESS}))


def said(verdict: F, confidence: object, *suggests: str) -> Diagnosis:
    finding = Finding(verdict, Severity.CRITICAL, confidence, "Said.", (), (Evidence("a", "b"),), suggests)
    return Diagnosis((finding,), node_at(1))


def test_what_was_said_with_certainty_and_is_not_so():
    assert wrongly(SPLIT, said(F.HEALTHY, CERTAIN)) == ["healthy: Said."]
    assert wrongly(SPLIT, said(F.HEALTHY, LIKELY)) == []
    assert wrongly(SPLIT, said(F.FAILOVER_IN_PROGRESS, CERTAIN)) == []


def test_certainty_itself_is_wrong_where_less_is_right():
    assert wrongly(SPLIT, said(F.SPLIT_BRAIN, CERTAIN)) == ["split-brain: Said."]
    assert matches(SPLIT, said(F.SPLIT_BRAIN, LIKELY))
    assert not matches(SPLIT, said(F.SPLIT_BRAIN, UNDETERMINED))


def test_what_may_never_be_said_counts_beside_the_verdict_too():
    never = replace(SPLIT, verdict=F.HEALTHY, confidence=CERTAIN, never=frozenset({F.MASTER_DOWN}))
    well = diagnose(healthy())
    assert wrongly(never, well) == []
    both = replace(well, findings=(*well.findings, *said(F.MASTER_DOWN, CERTAIN).findings))
    assert wrongly(never, both) == ["master-down: Said."]


def test_nobody_is_offered_as_a_master_where_it_is_not_expected():
    promoting = said(F.SPLIT_BRAIN, LIKELY, "diagnose orders", "promote orders --to a:1")
    assert not matches(SPLIT, promoting)
    assert matches(replace(SPLIT, offers=frozenset({"promote"})), promoting)
    assert not matches(replace(SPLIT, offers=frozenset({"repair"})), promoting)


def test_who_is_named_as_the_true_master():
    nodes = (str(node_at(1)), str(node_at(2)))
    for number, right in ((0, True), (1, False)):
        assert matches(replace(SPLIT, master=number), said(F.SPLIT_BRAIN, LIKELY), nodes) is right
        assert matches(replace(SPLIT, loser=number), said(F.SPLIT_BRAIN, LIKELY), nodes) is not right


def test_every_finding_is_made_true_by_a_real_fault():
    """Fragmentation takes 256 MiB to show, which is for a rule's own test."""
    shown = {one.verdict for one in SCENARIOS}.union(*(one.also for one in SCENARIOS))
    assert set(F) - shown == {F.FRAGMENTATION}


def test_the_corpus_is_as_wide_as_it_has_to_be():
    splits = [one for one in SCENARIOS if one.verdict is F.SPLIT_BRAIN]
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS) >= 50
    assert len(splits) >= 8
    assert len([one for one in splits if one.confidence is UNDETERMINED]) >= 2
    assert len([one for one in splits if "larger" in one.name]) >= 2
