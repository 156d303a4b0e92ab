"""Shows what a look at one target found: verdict, picture, findings, checks, suggestions. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from actions.kit.action import Seen
from actions.kit.findings import Confidence, Diagnosis, Finding, FindingId, Severity
from actions.kit.proof import Check
from actions.kit.snapshot import Snapshot
from actions.kit.vantage import matrix
from bot.render.blocks import (
    Block,
    Message,
    Screen,
    actions,
    button,
    context,
    fields,
    fit,
    header,
    preformatted,
    section,
    thread_of,
)
from bot.render.blocks_compared import comparison_blocks
from bot.render.blocks_topology import picture, sentinel_summary, shortened
from bot.render.compared import comparison_lines
from bot.render.happenings import happening_count, happening_lines
from bot.render.matrix import matrix_lines, matrix_markup
from bot.render.shards import shard_summary
from bot.render.words import code, mrkdwn, plain, size

PICTURE_LINES, FINDINGS, EVIDENCE, CHECKS = 40, 8, 4, 25

UNKNOWN_SIGN = ":white_circle:"
_SIGNS = {
    Severity.OK: ":large_green_circle:",
    Severity.INFO: ":large_blue_circle:",
    Severity.WARNING: ":large_yellow_circle:",
    Severity.CRITICAL: ":red_circle:",
}


def sign(finding: Finding) -> str:
    """The coloured dot of a finding; white where it is not known, unless it is critical should it be so."""
    unsure = finding.confidence is Confidence.UNDETERMINED and finding.severity is not Severity.CRITICAL
    return UNKNOWN_SIGN if unsure or finding.id is FindingId.UNDETERMINED else _SIGNS[finding.severity]


def diagnosed(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``diagnose``: the verdict, how sure it is and why, the picture, every finding with its evidence, what to do.

    ``asked_by`` is markup, such as a mention; so is ``note``, what else has to be known of the target.
    """
    verdict = seen.diagnosis.verdict
    head = [
        _headline(seen),
        section(f"{mrkdwn(verdict.summary, 1_000)}\n_Confidence: {verdict.confidence}._"),
        *_noted(note),
    ]
    seers = matrix(seen.snapshot)
    evidence = _evidence(seen.diagnosis.findings)
    middle = [*_picture(seen.snapshot), section(matrix_markup(seers)), *evidence, *_unasked(seen.snapshot)]
    return _screen(seen, [*head, *comparison_blocks(seen)], middle, asked_by, raw=("", *matrix_lines(seers)))


def healthy_or_not(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``health``: the numbers first, then the picture and the findings, a line each."""
    head = [_headline(seen), *_noted(note), *fields(_numbers(seen))]
    lines = [f"{sign(one)} {mrkdwn(one.summary)}" for one in seen.diagnosis.findings[:FINDINGS]]
    left = len(seen.diagnosis.findings) - FINDINGS
    if left > 0:
        lines.append(f"… {left} more in the thread")
    middle = [*_picture(seen.snapshot), section("\n".join(lines)), *_unasked(seen.snapshot)]
    return _screen(seen, head, middle, asked_by)


def verified(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``verify``: each check with what was seen, the failed ones first."""
    failed = sum(not check.ok for check in seen.checks)
    word = (
        f":x: {failed} of {len(seen.checks)} checks failed"
        if failed
        else f":white_check_mark: {len(seen.checks)} checks passed"
    )
    head = [header(f"{word}: {seen.snapshot.target}"), section(_sentence(seen.diagnosis.verdict)), *_noted(note)]
    ordered = sorted(seen.checks, key=lambda check: check.ok)
    middle = [*_check_blocks(ordered), *_picture(seen.snapshot), *_unasked(seen.snapshot)]
    return _screen(seen, head, middle, asked_by, told=word)


def happened(seen: Seen, asked_by: str, note: str = "") -> Screen:
    """``events``: the latest lines of the time line, the oldest of them first; all of them in the thread."""
    lines = happening_lines(seen)
    word = happening_count(seen)
    head = [
        header(f":clock3: {seen.snapshot.target}: {word}"),
        section(_sentence(seen.diagnosis.verdict)),
        *_noted(note),
    ]
    left = [f"… {len(lines) - PICTURE_LINES} earlier ones in the thread"] if len(lines) > PICTURE_LINES else []
    middle = [*preformatted([*left, *lines[-PICTURE_LINES:]])[:3], *_unasked(seen.snapshot)]
    return _screen(seen, head, middle, asked_by, told=word)


def glance(
    fleet: Sequence[tuple[str, str, Seen | str]], asked_by: str, notes: Mapping[str, str] = MappingProxyType({})
) -> Screen:
    """``status``: a line each target.

    ``fleet`` holds name, environment and what was seen; a sentence where nothing could be. ``notes``: markup by
    target, what else has to be known of it.
    """
    ordered = sorted(fleet, key=lambda one: -_urgency(one[2]))
    lines = ["\n".join(filter(None, (_glance_line(*one), notes.get(one[0])))) for one in ordered]
    urgent = [name for name, _, seen in ordered if _urgency(seen) >= Severity.WARNING]
    word = _fleet_word(len(urgent), len(fleet))
    head = [header(f"{_fleet_sign(ordered[0][2])} {word}" if ordered else word)]
    rows = [section("\n".join(lines[at : at + 8])) for at in range(0, len(lines), 8)]
    suggestions = _suggestions(tuple(f"diagnose {name}" for name in urgent[:5]))
    return Screen(fit(word, head, rows, [*suggestions, context(f"Asked by {asked_by}")]), thread_of(word, lines[40:]))


def _fleet_word(urgent: int, fleet: int) -> str:
    if not fleet:
        return "No target is bound to this channel"
    if not urgent:
        return "The target is fine" if fleet == 1 else f"All {fleet} targets are fine"
    if fleet == 1:
        return "The target needs attention"
    return f"{urgent} of {fleet} targets {'needs' if urgent == 1 else 'need'} attention"


def _fleet_sign(worst: Seen | str) -> str:
    return UNKNOWN_SIGN if isinstance(worst, str) else sign(worst.diagnosis.verdict)


def _urgency(seen: Seen | str) -> float:
    if isinstance(seen, str):
        return Severity.WARNING + 0.5
    verdict = seen.diagnosis.verdict
    return max(verdict.severity, Severity.WARNING) if sign(verdict) == UNKNOWN_SIGN else verdict.severity


def _glance_line(name: str, environment: str, seen: Seen | str) -> str:
    if isinstance(seen, str):
        return f":white_circle: *{mrkdwn(name)}* ({mrkdwn(environment)}): {mrkdwn(seen)}"
    verdict = seen.diagnosis.verdict
    return f"{sign(verdict)} *{mrkdwn(name)}* ({mrkdwn(environment)}): {verdict.id}. {mrkdwn(verdict.summary, 200)}"


def _headline(seen: Seen) -> Block:
    verdict = seen.diagnosis.verdict
    word = "undetermined" if sign(verdict) == UNKNOWN_SIGN else verdict.severity.word
    if word != "undetermined" and verdict.confidence is Confidence.UNDETERMINED:
        word += ", undetermined"
    shown = verdict.id if word in {verdict.id, "ok"} else f"{verdict.id} ({word})"
    return header(f"{sign(verdict)} {seen.snapshot.target}: {shown}")


def _noted(note: str) -> list[Block]:
    return [section(note)] if note else []


def _sentence(verdict: Finding) -> str:
    return f"{sign(verdict)} {mrkdwn(verdict.summary, 1_000)}"


def _numbers(seen: Seen) -> list[tuple[str, str]]:
    snapshot = seen.snapshot
    master = snapshot.node(seen.diagnosis.master)
    others = [node for node in snapshot.nodes if node.address != seen.diagnosis.master and not node.is_master]
    replicas = [node for node in others if node.is_replica]
    linked = sum(bool(node.info and node.info.link and node.info.link.up) for node in replicas)
    lags = [lag for node in replicas if (lag := snapshot.lag_bytes(node)) is not None]
    pairs = [
        ("Shards", shard_summary(snapshot)) if snapshot.in_cluster else ("Master", _master(seen.diagnosis)),
        ("Replicas", f"{linked} of {len(others)} linked"),
        ("Largest lag", size(max(lags)) if lags else "unknown"),
    ]
    if master and master.info:
        info = master.info
        limit = f"of {size(info.max_memory)}" if info.max_memory else "used, no limit is set"
        pairs.append(("Memory", f"{size(info.used_memory)} {limit}"))
        clients = f"{info.connected_clients:,}" if info.connected_clients is not None else "unknown"
        pairs.append(("Clients", f"{clients} of {info.max_clients:,}" if info.max_clients else clients))
        if info.ops_per_s is not None:
            pairs.append(("Commands", f"{info.ops_per_s:,} a second"))
    if snapshot.sentinels:
        pairs.append(("Sentinels", mrkdwn(sentinel_summary(snapshot))))
    return pairs


def _master(diagnosis: Diagnosis) -> str:
    return code(str(diagnosis.master)) if diagnosis.master else "not agreed"


def _picture(snapshot: Snapshot) -> list[Block]:
    return preformatted(shortened(picture(snapshot), PICTURE_LINES))[:2]


def _evidence(findings: Sequence[Finding]) -> list[Block]:
    """The first finding is the verdict, and its summary stands in the head already."""
    verdict, *others = findings[:FINDINGS]
    shown = [section(_finding(verdict, "*How we know*"))] if verdict.evidence else []
    shown += [
        section(_finding(one, f"{sign(one)} *{one.id}* ({one.confidence}): {mrkdwn(one.summary, 500)}"))
        for one in others
    ]
    if len(findings) > FINDINGS:
        shown.append(context(f"… {len(findings) - FINDINGS} more findings in the thread"))
    return shown


def _finding(finding: Finding, title: str) -> str:
    lines = [title]
    lines += [f"• {mrkdwn(one.source, 80)}: {code(one.observation, 250)}" for one in finding.evidence[:EVIDENCE]]
    if len(finding.evidence) > EVIDENCE:
        lines.append(f"… {len(finding.evidence) - EVIDENCE} more in the thread")
    return "\n".join(lines)


def _unasked(snapshot: Snapshot) -> list[Block]:
    missing = snapshot.unasked
    if not missing:
        return []
    lines = [f"• {mrkdwn(one.source, 80)}: {one.reason}, {mrkdwn(one.why, 150)}" for one in missing[:6]]
    if len(missing) > 6:
        lines.append(f"… {len(missing) - 6} more in the thread")
    return [section("*Could not be asked*\n" + "\n".join(lines))]


def _check_blocks(checks: Sequence[Check]) -> list[Block]:
    lines = [
        f"{':heavy_check_mark:' if check.ok else ':x:'} {mrkdwn(check.title, 150)}: {mrkdwn(check.observation, 200)}"
        for check in checks[:CHECKS]
    ]
    if len(checks) > CHECKS:
        lines.append(f"… {len(checks) - CHECKS} more in the thread")
    return [section("\n".join(lines[at : at + 6])) for at in range(0, len(lines), 6)]


def _suggestions(lines: Iterable[str]) -> list[Block]:
    once = list(dict.fromkeys(lines))[:5]
    return actions([button(plain(line, 75), f"run:{index}", line[:2_000]) for index, line in enumerate(once)])


def _screen(
    seen: Seen, head: list[Block], middle: list[Block], asked_by: str, told: str = "", raw: Sequence[str] = ()
) -> Screen:
    snapshot, verdict = seen.snapshot, seen.diagnosis.verdict
    when = f"<!date^{int(snapshot.observed_at.timestamp())}^{{time_secs}}|{snapshot.observed_at:%H:%M:%S} UTC>"
    asked = f"Asked by {asked_by} · seen {when} in {snapshot.took_ms:.0f} ms · raw output in the thread"
    suggestions = _suggestions(line for one in seen.diagnosis.findings for line in one.suggests)
    text = f"{sign(verdict)} {mrkdwn(snapshot.target, 80)}: {told or verdict.id}. {mrkdwn(verdict.summary, 500)}"
    message: Message = fit(text, head, middle, [*suggestions, context(asked)])
    return Screen(message, thread_of(f"Raw output for {mrkdwn(snapshot.target, 80)}", [*raw_lines(seen), *raw]))


def raw_lines(seen: Seen) -> list[str]:
    """Everything that was seen, as plain lines: the whole picture, all evidence, all checks, all gaps."""
    lines = [*happening_lines(seen), ""] if seen.happenings else []
    lines += picture(seen.snapshot)
    for one in seen.diagnosis.findings:
        lines += ["", f"{one.id} ({one.severity.word}, {one.confidence}): {one.summary}"]
        lines += [f"  {evidence.source}: {evidence.observation}" for evidence in one.evidence]
    lines += ["", *comparison_lines(seen)] if seen.comparisons or seen.uncompared else []
    if seen.checks:
        lines += ["", *(f"{'ok ' if one.ok else 'NO '} {one.title}: {one.observation}" for one in seen.checks)]
    if seen.snapshot.unasked:
        lines += ["", "Could not be asked:"]
        lines += [f"  {one.source}: {one.reason}, {one.why}" for one in seen.snapshot.unasked]
    return lines
