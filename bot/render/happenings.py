"""Tells what happened to a target as lines, Tandem's own runs among it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from actions.kit.happenings import Happening, in_order
from bot.render.words import counted, plain

if TYPE_CHECKING:  # It brings the database's library, which most commands do without.
    from actions.kit.action import Seen
    from actions.kit.elasticache.views import GroupView
    from actions.kit.kubernetes.view import KubernetesView
    from bot.ledger.records import Request

SOURCE, WHAT = 60, 300


def with_runs(seen: Seen, requests: Iterable[Request]) -> Seen:
    """The same with the runs of this target in their places."""
    if seen.since is None:
        return seen
    own = (one for request in requests if request.target == seen.snapshot.target for one in _own(request))
    return replace(seen, happenings=in_order((*seen.happenings, *own), seen.since))


def happening_lines(seen: Seen) -> list[str]:
    """A line each, the oldest first."""
    told = ((moment(one.at), plain(one.source, SOURCE), plain(one.what, WHAT)) for one in seen.happenings)
    return [f"{at}  {source}: {what}" for at, source, what in told]


def happening_count(seen: Seen) -> str:
    """How many there are, of how long; what was not told is no event that did not happen."""
    known = " known" if any(view and (view.unasked or view.gaps) for view in _keepers(seen)) else ""
    return f"{counted(len(seen.happenings), 'event')}{known} since {moment(seen.since) if seen.since else 'ever'} UTC"


def _keepers(seen: Seen) -> tuple[GroupView | KubernetesView | None, ...]:
    """Who keeps events beside Tandem."""
    return seen.snapshot.group, seen.snapshot.kubernetes


def happenings_json(seen: Seen) -> dict[str, Any]:
    """The same for programs."""
    return {
        "since": _iso(seen.since) if seen.since else None,
        "events": [{"at": _iso(one.at), "source": one.source, "what": one.what} for one in seen.happenings],
    }


def moment(at: datetime) -> str:
    """A time as a line begins with it, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _own(request: Request) -> Iterator[Happening]:
    who = f"Tandem {request.id}"
    if request.run is None:
        return
    if request.run.started_at is not None:
        yield Happening(request.run.started_at, who, f"{request.action} began, asked for by {request.requester.name}")
    if request.run.ended_at is not None:
        why = f". {' '.join(request.run.failures)}" if request.run.failures else ""
        yield Happening(request.run.ended_at, who, f"{request.action} ended: {request.run.state.value}{why}")
