"""``tune``: memory limit, eviction policy, backlog and output buffers of every node. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.action import ChangeAction, Options
from actions.kit.diagnosis import diagnose
from actions.kit.errors import UsageError
from actions.kit.findings import Severity
from actions.kit.plan import Plan, Refusal, Risk
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Kind
from actions.kit.tuning.changes import changes_of
from actions.kit.tuning.look import look
from actions.kit.tuning.planned import planned
from actions.kit.tuning.refusals import why_not
from actions.kit.tuning.wanted import NAMES, SETTINGS, read, shown

NAME = "tune"


def plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """Plan it, or say every reason why not.

    Args:
        snapshot: as ``look`` sees it.
        options: the settings by their names; ``NAME@HOST:PORT,…`` for some nodes alone.

    Raises:
        UsageError: no setting is named, one is not known, or a value is none.
    """
    wanted = read(options)
    if not wanted and snapshot.kind is not Kind.ELASTICACHE:
        raise UsageError(" ".join(_what_there_is(snapshot)))
    nodes = changes_of(snapshot, wanted)
    reasons = why_not(snapshot, wanted, nodes)
    if not reasons:
        return planned(snapshot, NAME, nodes)
    found = tuple(one for one in diagnose(snapshot).findings if one.severity > Severity.OK)
    return Refusal(snapshot.target, NAME, reasons, found)


def _what_there_is(snapshot: Snapshot) -> Iterator[str]:
    """How it is typed, and what each setting is now."""
    yield f"Say what to set, such as: tune {snapshot.target} maxmemory=4gb."
    told = [node.tunable for node in snapshot.nodes if node.tunable and not node.tunable.why_not]
    if not told:
        yield f"There are {', '.join(NAMES[:-1])} and {NAMES[-1]}."
        return
    now = (f"{name} {' or '.join(dict.fromkeys(shown(name, one.value(name)) for one in told))}" for name in NAMES)
    yield f"Now its nodes have {', '.join(now)}."


ACTION = ChangeAction(
    name=NAME,
    summary="Memory limit, eviction policy, backlog and output buffers, on all nodes; shows what would be evicted.",
    risk=Risk.REVERSIBLE,
    plan=plan,
    settings=SETTINGS,
    look=look,
)
