"""``verify``: puts one target to the proof, with a write, and again after a while for what is reverted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.cluster.verified import prove_cluster
from actions.kit.diagnosis import diagnose
from actions.kit.elasticache.verified import prove_aws
from actions.kit.errors import UsageError
from actions.kit.happenings import window
from actions.kit.kubernetes.proofs import prove_application, prove_places
from actions.kit.ports import Hands
from actions.kit.proof import Check, prove, prove_write
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Kind

AGAIN_S = 30.0
LONGEST_S = 600.0
SINCE = "5m"


async def look(hands: Hands, options: Options, progress: Progress) -> Seen:
    """Prove roles, links, Sentinels, pods and the application, probe with a write; again after ``again`` seconds.

    Returns:
        The last look; the checks of both, their titles ending in ``now`` and ``after 30 s``.

    Raises:
        UsageError: ``again`` is no number of seconds from 0 to 600, or ``since`` no length of time.
    """
    again_s = _seconds(options.get("again"))
    back, began = window(options.get("since") or SINCE), datetime.now(UTC)
    snapshot, checks = await _proven(hands, "now", began - back)
    if again_s > 0:
        await progress(f"{_tally(checks)} Looking again after {again_s:g} s, for what may be reverted.")
        await hands.sleep(again_s)
        snapshot, later = await _proven(hands, f"after {again_s:g} s", began, settled=True)
        checks += later
    return Seen(snapshot, diagnose(snapshot), checks)


async def _proven(
    hands: Hands, when: str, since: datetime, *, settled: bool = False
) -> tuple[Snapshot, tuple[Check, ...]]:
    snapshot = await hands.observe()
    own = {Kind.CLUSTER: prove_cluster, Kind.ELASTICACHE: prove_aws}.get(snapshot.kind, _prove_group)
    checks = (*await own(hands, snapshot), *_read_only(snapshot), *prove_places(snapshot, snapshot.agreed_master))
    checks += await prove_application(hands, snapshot, since, settled=settled)
    return snapshot, tuple(replace(check, title=f"{check.title}, {when}") for check in checks)


async def _prove_group(hands: Hands, snapshot: Snapshot) -> tuple[Check, ...]:
    """One master and its replicas; replicas that do not answer have failed their check before the write."""
    master = snapshot.agreed_master
    if master is None:
        named = ", ".join(str(node.address) for node in snapshot.masters) or "no node"
        said = f"{named} answers as master, and nothing decides"
        return (Check("one master is agreed on", ok=False, observation=said),)
    replicas = tuple(node.address for node in snapshot.nodes if node.is_replica and node.address != master)
    return (*prove(snapshot, master), await prove_write(hands, master, replicas))


def _read_only(snapshot: Snapshot) -> Iterator[Check]:
    """What a client writes to a replica that takes it is on no other node, and gone with the next full sync."""
    for node in snapshot.nodes:
        if node.is_replica and node.info is not None and node.info.read_only is False:
            said = "replica-read-only is no: what is written there is nowhere else"
            yield Check(f"{node.address} takes no writes of its own", ok=False, observation=said)


def _tally(checks: tuple[Check, ...]) -> str:
    failed = sum(not check.ok for check in checks)
    return f"{len(checks) - failed} of {len(checks)} checks passed."


def _seconds(text: str | None) -> float:
    try:
        seconds = AGAIN_S if text is None else float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_S:
        raise UsageError(f"--again takes seconds from 0 to {LONGEST_S:g}; {text[:40] if text else text!r} is none.")
    return seconds


ACTION = ReadAction(
    name="verify",
    summary="After a failover: roles, replication, a write, every Sentinel; and a second look after 30 s.",
    look=look,
    options=(
        Option("again", "SECONDS", "Look again after so many seconds; 0 for one look only. By default 30."),
        Option(
            "since",
            "TIME",
            "Search the application's log so far back: 30m, 2h. By default since the last run, else 5m.",
        ),
    ),
)
