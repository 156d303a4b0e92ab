"""Every action there is, in the order in which help lists them."""

from __future__ import annotations

import difflib

from actions import (
    chart,
    connect,
    diagnose,
    events,
    failover,
    flush,
    health,
    promote,
    repair,
    status,
    takeover,
    tune,
    verify,
)
from actions.kit.action import Action
from actions.kit.errors import UsageError

ACTIONS: tuple[Action, ...] = (
    status.ACTION,
    health.ACTION,
    diagnose.ACTION,
    verify.ACTION,
    events.ACTION,
    chart.ACTION,
    connect.ACTION,
    failover.ACTION,
    promote.ACTION,
    takeover.ACTION,
    repair.ACTION,
    tune.ACTION,
    flush.ACTION,
)


def by_name(name: str) -> Action:
    """The action of this name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    actions = {action.name: action for action in ACTIONS}
    if name in actions:
        return actions[name]
    near = difflib.get_close_matches(name, actions, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(actions)}."
    raise UsageError(f"There is no action {name[:40]!r}; {hint}")
