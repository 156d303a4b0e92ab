"""What can be put back by another request, and as which words."""

from dataclasses import replace

import pytest

from actions.kit.errors import UsageError
from actions.kit.plan import Cost, Plan, SettingChange
from actions.kit.tuning.steps import SetOn
from actions.kit.tuning.undoing import changed_since
from bot.ledger.records import Request, RequestState, RunState
from bot.requests.undoing import what_puts_back
from tests.bot.slack_requests import approved, request, running
from tests.builders import node_at

BUFFERS = "normal 0 0 0 slave {} 67108864 60 pubsub 33554432 8388608 60"


def tuned(*changes: SettingChange, made: Request | None = None) -> Request:
    """A run that has set these, one step each."""
    made = made or running(4, RunState.DONE)
    steps = tuple(SetOn(one.server, (one,)) for one in changes)
    return replace(made, action="tune", plan=replace(made.plan, steps=steps, cost=Cost(settings_only=True)))


def memory(number: int, old: str = "0", new: str = str(2**30)) -> SettingChange:
    return SettingChange(node_at(number), "maxmemory", new, old)


def test_every_node_gets_what_it_had_and_the_others_are_left_alone() -> None:
    limits = SettingChange(node_at(1), "client-output-buffer-limit", BUFFERS.format(2**30), BUFFERS.format(2**28))
    policy = SettingChange(node_at(1), "maxmemory-policy", "allkeys-lru", "noeviction")
    assert what_puts_back(tuned(memory(1), memory(2), memory(3, old=str(2**29)), limits, policy)) == {
        "maxmemory@10.0.0.1:6379,10.0.0.2:6379": "0",
        "maxmemory@10.0.0.3:6379": "512mb",
        "client-output-buffer-limit@10.0.0.1:6379": "slave 268435456 67108864 60",
        "maxmemory-policy@10.0.0.1:6379": "noeviction",
    }


def test_what_others_have_set_since_is_told() -> None:
    done = tuned(memory(1), memory(2)).plan
    back: Plan = tuned(memory(1, old=str(2**30), new="0"), memory(2, old=str(2**31), new="0")).plan
    assert list(changed_since(back, done)) == [
        "maxmemory of 10.0.0.2:6379 is 2gb by now, and not 1gb: somebody has changed it since."
    ]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (running(4, RunState.DONE), "R-7F3K2 is a failover: only settings, which tune has changed, can be put back."),
        (tuned(memory(1), made=running(1)), "R-7F3K2 is running: cancel R-7F3K2 stops it"),
        (tuned(memory(1), made=running(1, RunState.UNDONE)), "everything was put back then"),
        (tuned(memory(1), made=approved()), "R-7F3K2 is approved: nothing was changed by it"),
        (tuned(memory(1), made=request(RequestState.DENIED)), "R-7F3K2 is denied: nothing was changed by it"),
    ],
)
def test_what_cannot_be_put_back_says_why(made: Request, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        what_puts_back(made)
    assert sentence in str(caught.value)
