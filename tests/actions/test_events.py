"""``events``: what AWS and Kubernetes tell, on one time line."""

from datetime import UTC, datetime, timedelta

import pytest

from actions import events
from actions.kit.errors import UsageError
from actions.kit.happenings import Happening, in_order, of_kubernetes, window
from actions.kit.kubernetes.view import EventView, KubernetesView
from sandbox.elasticache import Mishap
from tests.elasticache import GROUP, search

NOW = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.mark.servers
async def test_the_events_of_a_group_and_of_its_members_are_told_in_their_order(monkeypatch, progress):
    async with search(monkeypatch) as scene:
        scene.aws.clock.advance(timedelta(hours=3))
        await scene.aws.add_group("carts", automatic_failover=False, multi_az=False)
        scene.aws.faults.next_change(Mishap.NONE)
        await scene.hands.elasticache.test_failover("0001")
        await scene.aws.settled()
        # AWS's clock is ahead of ours here: what it tells is within any window of ours.
        seen = await events.ACTION.look(scene.hands, {"since": "2h"}, progress)
        scene.aws.faults.denied = {"DescribeEvents"}
        denied = await events.ACTION.look(scene.hands, {}, progress)

    told = [(one.source, one.what) for one in seen.happenings]
    new = f"Failover from primary node {GROUP}-001 to replica node {scene.group.node_groups[0].primary.id} completed"
    assert told == [
        (f"AWS {GROUP}", "Test Failover API called for node group 0001"),
        (f"AWS {GROUP}-001", new),
        (f"AWS {GROUP}", new),
        (f"AWS {GROUP}-001", "Recovering cache nodes 0001"),
        (f"AWS {GROUP}-001", "Finished recovery for cache nodes 0001"),
    ]
    assert denied.happenings == ()
    assert any("elasticache:DescribeEvents" in one.why for one in denied.snapshot.unasked)


async def test_more_events_than_a_page_and_more_than_an_hour(monkeypatch, progress):
    async with search(monkeypatch, paper=True) as scene:
        for number in range(230):
            scene.aws.events.of_cluster(f"{GROUP}-002", f"Event {number}")
        scene.aws.clock.advance(timedelta(hours=5))
        told = await scene.hands.elasticache.events(24 * 60)

    assert [event.message for event in told if event.message.startswith("Event")] == [f"Event {n}" for n in range(230)]


@pytest.mark.parametrize("text", ["15d", "0h", "yesterday", "24", "-1h", "337h", "1w"])
def test_a_window_that_nobody_keeps_is_no_window(text):
    with pytest.raises(UsageError, match="90m, 24h or 14d, and 14d at most"):
        window(text)


def test_windows():
    assert [window(text) for text in (None, "90m", " 14D ")] == [
        timedelta(hours=24),
        timedelta(minutes=90),
        timedelta(days=14),
    ]


def test_tellers_share_one_line():
    view = KubernetesView(
        namespace="shop", release="redis", events=(EventView("pod redis-0", "BackOff", "restarting", 7, NOW),)
    )
    aws = Happening(NOW - timedelta(minutes=1), "AWS g", "something")
    assert in_order((*of_kubernetes(view), aws), NOW - timedelta(hours=1)) == (
        aws,
        Happening(NOW, "Kubernetes pod redis-0", "BackOff: restarting (7 times, the last one now)"),
    )
    assert in_order((aws,), NOW) == ()
