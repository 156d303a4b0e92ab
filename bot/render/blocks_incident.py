"""Shows an incident: what fired, what Tandem sees now, what can be done, who looks after it. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.ledger.incident_records import SEVERAL, UNKNOWN
from bot.render.blocks import Block, Message, actions, button, context, fit, header, section
from bot.render.blocks_request import moment
from bot.render.words import bare, counted, duration, escape, mrkdwn, plain

ACKNOWLEDGE, ASSIGN, MUTE = "incident_acknowledge", "incident_assign", "incident_mute"
"""What the buttons are called; the value is the incident's id."""
MUTES_MIN = 60

_SIGNS = {"critical": ":red_circle:", "page": ":red_circle:", "error": ":red_circle:", "info": ":large_blue_circle:"}
_LABELS = ("instance", "node", "pod", "slave_ip", "master_name")
_KNOWN = frozenset({"alertname", "severity"})
_BUTTONS = 5
_SAID, _OWN = 250, 800
"""Characters of what an alert says: a rule's words, and what Tandem has found out itself."""

Body = Mapping[str, Any]


def incident(body: Body) -> Message:
    """The message of an incident, from what the outbox holds of it; see ``bot.ledger.incident_message``."""
    head = [header(_title(body)), *_status(body), *_sights(body)]
    tail = [*([] if body["closed_at"] else _buttons(body)), context(*filter(None, (_links(body), _times(body))))]
    return fit(_told(body), head, _alerts(body), tail)


def _title(body: Body) -> str:
    if body["closed_at"]:
        return f":white_check_mark: {_about(body)}: over after {duration(body['closed_at'] - body['opened_at'])}"
    if not body["firing"]:
        return f":large_yellow_circle: {_about(body)}: the alerts have ended"
    worst = body["alerts"][0]
    more = f" and {body['firing'] - 1:,} more" if body["firing"] > 1 else ""
    troubles = [one["sign"] for one in body["sights"] if one["well"] is False]
    shown = troubles[0] if troubles and _sign(worst) != _SIGNS["critical"] else _sign(worst)
    return f"{shown} {_about(body)}: {bare(worst['name'])}{more}"


def _about(body: Body) -> str:
    if body["scope"] == UNKNOWN:
        return "no known target"
    return counted(body["targets"], "target") if body["scope"] == SEVERAL else str(body["scope"])


def _told(body: Body) -> str:
    verdicts = "; ".join(f"{mrkdwn(one['target'], 60)} is {mrkdwn(one['verdict'], 60)}" for one in body["sights"][:3])
    return escape(_title(body)) + (f". {verdicts}" if verdicts else "")


def _status(body: Body) -> list[Block]:
    lines = []
    if body["assigned_to"]:
        lines.append(f":wrench: <@{body['assigned_to']}> looks after it.")
    elif body["acknowledged_by"]:
        lines.append(f":eyes: <@{body['acknowledged_by']}> has seen it.")
    if body["muted_until"]:
        lines.append(f":mute: Muted by <@{body['muted_by']}> until {_moment(body['muted_until'])}.")
    if not body["firing"] and not body["closed_at"]:
        before = bool(body["sights"]) and all(one["well"] for one in body["sights"])
        lines.append(
            "The alerts have ended. What Tandem saw last is from before: it looks again before it calls this over."
            if before
            else "The alerts have ended; that is no proof of health, and Tandem does not see that all is well."
        )
    if body["scope"] == UNKNOWN:
        lines.append("The labels fit no target in `targets.yaml`; its `alerts: {labels: …}` can say which.")
    return [section("\n".join(lines))] if lines else []


def _sights(body: Body) -> list[Block]:
    """What Tandem sees: of one target with its evidence, of several a line each."""
    sights = body["sights"]
    if not sights:
        return [] if body["scope"] == UNKNOWN else [section(":mag: _Looking at Redis…_")]
    if len(sights) > 1:
        lines = [_line(one, 150) for one in sights]
        if body["seen"] > len(sights):
            lines.append(f"… and {counted(body['seen'] - len(sights), 'more target')}, none of them worse")
        return [section("*What Tandem sees*\n" + "\n".join(lines))]
    (one,) = sights
    evidence = [] if one["well"] else [f"• {mrkdwn(line, 300)}" for line in one["evidence"]]
    return [
        section("\n".join(["*What Tandem sees*", _line(one, 900), f"_Confidence: {one['confidence']}._", *evidence]))
    ]


def _line(sight: Body, limit: int) -> str:
    note = f"\n:lock: {mrkdwn(sight['note'], 300)}" if sight["note"] else ""
    told = f"*{mrkdwn(sight['target'], 60)}*: {mrkdwn(sight['verdict'], 60)}. {mrkdwn(sight['summary'], limit)}"
    return f"{sight['sign']} {told}{note}"


def _alerts(body: Body) -> list[Block]:
    """A line each; but rules that have ended share one: what Tandem has found out itself tells the story by then."""
    named = body["scope"] in {SEVERAL, UNKNOWN}
    past = [one for one in body["alerts"] if one["ended"] and not one.get("own") and not named]
    told = past if len(past) > 1 else []
    lines = [_alert(one, named=named) for one in body["alerts"] if one not in told]
    lines += [f":white_check_mark: {' · '.join(map(_past, told))}"] if told else []
    left = body["firing"] + body["ended"] - len(body["alerts"])
    if left > 0:
        firing = f", {body['firing']:,} of all firing" if body["firing"] else ""
        lines.append(f"… and {counted(left, 'more alert')}{firing}")
    return [section("\n".join(lines[at : at + 4])) for at in range(0, len(lines), 4)]


def _past(alert: Body) -> str:
    return f"*{mrkdwn(alert['name'], 80)}* {_ended(alert['ended'] - alert['since'])}{_times_of(alert)}"


def _alert(alert: Body, *, named: bool) -> str:
    where = [f"{name}={alert['labels'][name]}" for name in _LABELS if alert["labels"].get(name)]
    target = f"{mrkdwn(alert['target'] or 'no target', 60)}: " if named else ""
    said = mrkdwn(alert["summary"] or ", ".join(where), _OWN if alert.get("own") else _SAID)
    if alert["target"] is None:  # What nobody could make anything of.
        odd = (f"{name}={value}" for name, value in alert["labels"].items() if name not in _KNOWN)
        said += f" [{mrkdwn(', '.join(odd), _SAID)}]"
    since = f"since {_moment(alert['since'])}" if not alert["ended"] else _ended(alert["ended"] - alert["since"])
    return f"{_sign(alert)} {target}*{mrkdwn(alert['name'], 80)}* {said} ({since}{_times_of(alert)})"


def _times_of(alert: Body) -> str:
    return f", {alert['times']} times" if alert["times"] > 1 else ""


def _ended(lasted: float) -> str:
    """After how long; with clocks apart that is not known."""
    return f"ended after {duration(lasted)}" if lasted > 0 else "ended"


def _sign(alert: Body) -> str:
    return ":white_check_mark:" if alert["ended"] else _SIGNS.get(alert["severity"], ":large_yellow_circle:")


def _buttons(body: Body) -> list[Block]:
    lines = dict.fromkeys(line for one in body["sights"] for line in one["suggests"])
    if not lines:
        lines = dict.fromkeys(f"diagnose {one['target']}" for one in body["sights"])
    does = [button(plain(line, 75), f"run:{index}", line) for index, line in enumerate(list(lines)[:_BUTTONS])]
    tends = [] if body["acknowledged_by"] else [button("Acknowledge", ACKNOWLEDGE, body["id"])]
    tends += [] if body["assigned_to"] else [button("Assign to me", ASSIGN, body["id"])]
    tends += [] if body["muted_until"] else [button(f"Mute {MUTES_MIN} min", MUTE, body["id"])]
    return [*actions(does), *actions(tends)]


def _links(body: Body) -> str:
    return " · ".join(f"<{_url(url)}|{mrkdwn(word, 40)}>" for word, url in _pairs(body["links"]))


def _pairs(links: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    return [(word, url) for word, url in links if len(url) <= 500][:6]


def _url(url: str) -> str:
    """An address cannot end its own link, nor begin another one."""
    return escape(plain(url, 500)).replace("|", "%7C").replace(" ", "%20")


def _times(body: Body) -> str:
    return f"{body['id']} · opened {_moment(body['opened_at'])}"


def _moment(seconds: float) -> str:
    return moment(datetime.fromtimestamp(seconds, UTC))
