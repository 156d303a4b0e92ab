"""What a finding suggests can be typed, and done: it is an action, and a change that is suggested has a plan."""

import pytest
from hypothesis import given

from actions.kit.action import ChangeAction
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Severity
from actions.kit.plan import Plan
from actions.kit.snapshot import Snapshot
from actions.registry import ACTIONS
from bot.grammar import parse
from tests.actions.kit.diagnosis.strategies import snapshots
from tests.actions.kit.diagnosis.test_rules import dead_master
from tests.builders import with_link
from tests.clusters import cluster


def commands(snapshot: Snapshot):
    for one in diagnose(snapshot).findings:
        for line in one.suggests:
            yield one, line, parse(line, ACTIONS, (snapshot.target,))


@given(snapshots())
def test_what_is_suggested_can_be_typed_and_whatever_is_wrong_suggests_something(snapshot):
    for _, line, command in commands(snapshot):
        assert command.action is not None, line
        assert command.target == snapshot.target
    assert all(one.suggests for one in diagnose(snapshot).findings if one.severity >= Severity.WARNING)


@given(snapshots())
def test_a_change_that_is_suggested_has_a_plan(snapshot):
    for one, line, command in commands(snapshot):
        if isinstance(command.action, ChangeAction):
            planned = command.action.plan(snapshot, command.options)
            assert isinstance(planned, Plan), (one, line, planned)


def heard_again() -> Snapshot:
    return with_link(dead_master(0), 2, up=True, last_io_s=0)


@pytest.mark.parametrize(
    ("snapshot", "change"),
    [
        (dead_master(0), "promote orders --to 10.0.0.2:6379"),
        (dead_master(3), ""),
        (heard_again(), ""),
        (cluster(3, 1).failed(1).snapshot(), ""),
        (cluster(3, 1).failed(1, 2).snapshot(), "takeover carts --to 10.0.0.4:6379"),
    ],
)
def test_a_change_is_suggested_only_where_nobody_else_makes_it_and_nobody_hears_the_master(snapshot, change):
    changes = [(line, command) for _, line, command in commands(snapshot) if isinstance(command.action, ChangeAction)]

    assert [line for line, _ in changes][:1] == [change] * bool(change)
    for line, command in changes:
        assert isinstance(command.action.plan(snapshot, command.options), Plan), line
