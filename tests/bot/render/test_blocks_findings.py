"""What a look shows: readable in a small case, within Slack's limits in a big one, harmless in a nasty one."""

import re
from dataclasses import replace

import pytest

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, Diagnosis, Evidence, Finding, FindingId, Severity
from actions.kit.proof import Check
from actions.kit.snapshot import Snapshot
from bot.render.blocks import Screen
from bot.render.blocks_findings import diagnosed, glance, healthy_or_not, sign, verified
from bot.render.blocks_topology import picture, shortened
from tests import builders
from tests.bot.render.slack_judges import accepted
from tests.bot.slack_requests import NASTY

PAGES = [diagnosed, healthy_or_not, verified]


def seen(snapshot: Snapshot) -> Seen:
    return Seen(snapshot, diagnose(snapshot), (Check("roles", ok=False, observation="two masters"),))


def shown(screen: Screen) -> str:
    return accepted(screen)


def test_the_picture_is_a_tree_with_links_lag_and_sentinels() -> None:
    snapshot = builders.with_link(builders.healthy(), 3, up=False, down_since_s=7)
    lines = picture(builders.without_sentinel(snapshot, 2))
    assert lines[0].startswith("● 10.0.0.1:6379  master  offset 10,000  2 replicas attached")
    assert lines[1].startswith("├─ ○ 10.0.0.2:6379  replica  link up  lag 0 bytes, 0 s")
    assert lines[2].startswith("└─ ○ 10.0.0.3:6379  replica  link down for 7 s")
    assert lines[3] == "Sentinels of mymaster: 2 of 3 Sentinels answer, 2 can reach the quorum of 2"
    assert lines[5] == "├─ ✗ 10.1.0.2:26379  timed out: no answer"


def test_a_replica_of_a_replica_stands_below_it_and_a_circle_ends() -> None:
    chained = builders.with_link(builders.healthy(), 3, master=builders.node_at(2))
    assert picture(chained)[2].startswith("   └─ ○ 10.0.0.3:6379")
    circle = builders.with_link(chained, 2, master=builders.node_at(3))
    assert len([line for line in picture(circle) if "10.0.0." in line and "names" not in line]) == 3


def test_a_long_picture_says_how_much_is_left_out() -> None:
    assert shortened(list("abcde"), 3) == ["a", "b", "… 3 more in the thread"]


def test_a_diagnosis_tells_verdict_confidence_evidence_and_what_to_do() -> None:
    page = shown(diagnosed(seen(builders.without_node(builders.healthy(), 1)), "<@U0ONCALL>"))
    assert "orders: " in page
    assert "Confidence: " in page
    assert "Could not be asked" in page
    assert "Asked by <@U0ONCALL>" in page


def test_a_verdict_that_is_not_certain_is_not_shown_as_good() -> None:
    fine = Finding(FindingId.HEALTHY, Severity.OK, Confidence.UNDETERMINED, "It may be fine.")
    page = shown(diagnosed(Seen(builders.healthy(), Diagnosis((fine,), None)), "you"))
    assert ":white_circle: orders: healthy (undetermined)" in page
    assert ":large_green_circle:" not in page


def test_what_would_be_critical_is_red_though_it_is_undetermined() -> None:
    split = Finding(FindingId.SPLIT_BRAIN, Severity.CRITICAL, Confidence.UNDETERMINED, "Two masters.")
    page = shown(diagnosed(Seen(builders.healthy(), Diagnosis((split,), None)), "you"))
    assert ":red_circle: orders: split-brain (critical, undetermined)" in page


def test_the_verdict_is_said_once_and_then_how_we_know() -> None:
    split = Finding(
        FindingId.SPLIT_BRAIN, Severity.CRITICAL, Confidence.LIKELY, "Two masters.", evidence=(Evidence("node A", "x"),)
    )
    message = diagnosed(Seen(builders.healthy(), Diagnosis((split,), None)), "you").message
    assert str(message.blocks).count("Two masters.") == 1
    assert "*How we know*\\n• node A: `x`" in str(message.blocks)


def test_memory_without_a_limit_is_said_in_words() -> None:
    assert "used, no limit is set" in shown(healthy_or_not(seen(builders.healthy()), "you"))


def test_verify_shows_the_failed_checks_first() -> None:
    checks = (Check("one", ok=True, observation="fine"), Check("two", ok=False, observation="gone"))
    page = shown(verified(replace(seen(builders.healthy()), checks=checks), "you"))
    assert ":x: 1 of 2 checks failed: orders" in page
    assert page.index(":x: two: gone") < page.index(":heavy_check_mark: one: fine")


def test_status_puts_what_needs_attention_first_and_offers_to_look() -> None:
    bad = seen(builders.without_node(builders.healthy(), 1))
    page = shown(glance([("fine", "staging", seen(builders.healthy())), ("orders", "production", bad)], "you"))
    assert f"{sign(bad.diagnosis.verdict)} 1 of 2 targets needs attention" in page
    assert page.index("*orders*") < page.index("*fine*")
    assert '"value": "diagnose orders"' in page


def test_a_replica_that_does_not_answer_is_counted_as_one_that_should() -> None:
    page = shown(healthy_or_not(seen(builders.without_node(builders.healthy(), 2)), "you"))
    assert "1 of 2 linked" in page


@pytest.mark.parametrize("page", PAGES)
def test_two_hundred_nodes_fit(page) -> None:
    big = builders.healthy(replicas=200, sentinels=5)
    for number in range(2, 150):
        big = builders.without_node(big, number)
    text = shown(page(seen(big), "you"))
    assert "more in the thread" in text
    assert "10.0.0.200:6379" in text, "what is left out stands in the thread"


@pytest.mark.parametrize("page", PAGES)
def test_text_from_outside_is_obeyed_nowhere(page) -> None:
    finding = Finding(
        FindingId.UNDETERMINED,
        Severity.CRITICAL,
        Confidence.LIKELY,
        NASTY,
        evidence=tuple(Evidence(NASTY, NASTY) for _ in range(60)),
        suggests=(NASTY,),
    )
    snapshot = replace(builders.without_node(builders.healthy(), 2), target=NASTY, master_name=NASTY)
    worst = Seen(snapshot, Diagnosis((finding,) * 60, None), (Check(NASTY, ok=False, observation=NASTY),) * 60)
    assert_harmless(page(worst, "<@U0ONCALL>"))


def test_what_is_far_too_long_for_a_thread_is_left_out_and_says_so() -> None:
    evidence = tuple(Evidence("node A", "x" * 1_000) for _ in range(5_000))
    finding = Finding(FindingId.SPLIT_BRAIN, Severity.CRITICAL, Confidence.LIKELY, "Two.", evidence=evidence)
    screen = diagnosed(Seen(builders.healthy(), Diagnosis((finding,), None)), "you")
    assert len(screen.thread) < 10
    assert re.search(r"… 4,?\d+ more lines", accepted(screen))


def test_a_fleet_of_many_targets_with_nasty_words_fits() -> None:
    assert_harmless(glance([(NASTY[:50], NASTY, NASTY)] * 300, "you"))


def assert_harmless(screen: Screen) -> None:
    accepted(screen)
    for message in (screen.message, *screen.thread):
        for text in (message.text, *markups(list(message.blocks))):
            assert "<!channel" not in text
            assert "<@U0VICTIM>" not in text
            assert "*bold*" not in re.sub("`[^`]*`", "", text)
            assert "\u202e" not in text


def markups(part: object) -> list[str]:
    """Every text that Slack reads as markup."""
    if isinstance(part, list):
        return [text for each in part for text in markups(each)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") == "mrkdwn" else []
    return own + [text for value in part.values() for text in markups(value)]
