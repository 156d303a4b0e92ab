"""Reads what Alertmanager and Grafana post. What cannot be read is said, and keeps nothing else from being read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actions.kit.errors import UsageError
from bot.alerts.links import is_web_address
from bot.ledger.incident_records import Alert
from bot.render.words import plain

LONGEST = 2_000
"""Characters of one label or annotation that are kept."""
_LABELS = 60
_SUMMARIES = ("summary", "message", "description")
_LINKS = {"runbook_url": "Runbook", "dashboard_url": "Dashboard", "dashboard": "Dashboard", "runbook": "Runbook"}
_FIELDS = {"generatorURL": "Prometheus", "dashboardURL": "Dashboard", "panelURL": "Panel", "silenceURL": "Silence"}
_BEHIND_SCHEME = re.compile(
    r"(?<=redis://)\S*|(?<=rediss://)\S*|(?<=redis%3A%2F%2F)[^\s&]*|(?<=rediss%3A%2F%2F)[^\s&]*|(?<=://)[^\s/?#]*",
    re.IGNORECASE,
)
"""Where a URL may have a user and a password, such as an exporter's target has, also as part of a link. A password of
Redis may have any character; elsewhere an address in a query is nobody's password."""
_AT = re.compile("@|%40")
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
"""``endsAt`` of an alert that has not ended lies before this."""


@dataclass(frozen=True, slots=True)
class Body:
    """The alerts of one delivery; how many it left out; what of it could not be read, a sentence each."""

    alerts: tuple[Alert, ...]
    left_out: int = 0
    troubles: tuple[str, ...] = ()


def parse(raw: bytes) -> Body:
    """Read one delivery: Alertmanager's version 4, or Grafana's, which has the same shape.

    The status at the top is not read: with ``max_alerts`` it can say resolved while alerts fire.

    Raises:
        UsageError: it is not a JSON object with a list of alerts.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The body is not JSON: {plain(str(error), 100)}.") from error
    found = body.get("alerts") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise UsageError('The body is not what Alertmanager sends: a JSON object with a list "alerts".')
    alerts: list[Alert] = []
    troubles: list[str] = []
    for number, one in enumerate(found, 1):
        try:
            alerts.append(_alert(one))
        except (ValueError, OverflowError) as error:
            troubles.append(f"Alert {number} cannot be read: {error}")
    return Body(tuple(alerts), _left_out(body), tuple(troubles))


def shortened(troubles: tuple[str, ...]) -> str:
    """The first of them, and how many more there are."""
    more = f" And {len(troubles) - 1:,} more." if len(troubles) > 1 else ""
    return plain(troubles[0], 300) + more if troubles else ""


def _left_out(body: Mapping[str, Any]) -> int:
    left = body.get("truncatedAlerts")
    return left if isinstance(left, int) and not isinstance(left, bool) and left > 0 else 0


def _alert(one: object) -> Alert:
    if not isinstance(one, dict):
        raise ValueError("it is no JSON object.")  # noqa: TRY004 -- What is caught is one kind of error.
    labels = _texts(one.get("labels"), "labels")
    status = one.get("status")
    if status not in ("firing", "resolved"):  # No set: what is no text may have no hash.
        raise ValueError(f"its status is {plain(json.dumps(status), 40)}, neither firing nor resolved.")
    annotations = _texts(one.get("annotations") or {}, "annotations")
    return Alert(
        fingerprint=_fingerprint(one.get("fingerprint"), labels),
        firing=status == "firing",
        starts_at=_time(one.get("startsAt"), "startsAt"),
        ended_at=_ended(one.get("endsAt")) if status == "resolved" else None,
        labels=labels,
        summary=next((annotations[name] for name in _SUMMARIES if annotations.get(name)), ""),
        links=tuple(_links(one, annotations)),
    )


def _texts(values: object, what: str) -> dict[str, str]:
    if not isinstance(values, dict):
        raise ValueError(f"its {what} are no JSON object.")  # noqa: TRY004 -- As above.
    some = list(values.items())[:_LABELS]
    return {name[:LONGEST]: _text(value)[:LONGEST] for name, value in some}


def _text(value: object) -> str:
    """As a text, without anybody's password."""
    text = value if isinstance(value, str) else json.dumps(value)
    return _BEHIND_SCHEME.sub(lambda found: _AT.split(found[0])[-1], text)


def _fingerprint(given: object, labels: Mapping[str, str]) -> str:
    """What tells it from every other: its labels, whatever fingerprint a sender gives them."""
    own = hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]
    return f"{given[:100]}/{own}" if isinstance(given, str) and given else own


def _time(given: object, what: str) -> datetime:
    if not isinstance(given, str):
        raise ValueError(f"its {what} is no time.")  # noqa: TRY004 -- As above.
    try:
        read = datetime.fromisoformat(given[:40])
    except ValueError as error:
        raise ValueError(f"its {what} is no time: {plain(given, 40)}.") from error
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _ended(given: object) -> datetime | None:
    """When it ended; ``None`` where it is not told."""
    try:
        ended = _time(given, "endsAt")
    except (ValueError, OverflowError):
        return None
    return ended if ended > _NEVER else None


def _links(one: Mapping[str, object], annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    seen = set()
    named: list[tuple[str, object]] = [(word, annotations.get(name)) for name, word in _LINKS.items()]
    named += [(word, one.get(name)) for name, word in _FIELDS.items()]
    for word, url in named:
        address = _text(url)
        if is_web_address(address) and len(address) <= LONGEST and word not in seen:
            seen.add(word)
            yield word, address
