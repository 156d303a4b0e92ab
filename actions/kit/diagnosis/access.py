"""Rules about who is there and gives no full answer: no access, no trust, loading, held by a script. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actions.kit.diagnosis.facts import ACCESS, Facts, confident, no_answer, of_node
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.snapshot import NodeView, Reason, SentinelView, Unasked
from actions.kit.topology import Address


def auth_failed(facts: Facts) -> Iterator[Finding]:
    """Somebody does not let us in, or does not let us ask all that we ask.

    NOAUTH, WRONGPASS or NOPERM. Information only where single questions are refused to us; certain: the server said so.
    """
    shut = _shut_out(facts, ACCESS)
    if shut:
        yield Finding(
            FindingId.AUTH_FAILED,
            Severity.WARNING,
            confident(complete=True),
            f"{_names(shut)} did not let us in: {_mend(shut)}",
            tuple(address for address, _ in shut),
            tuple(no_answer(unasked) for _, unasked in shut),
            facts.lines("diagnose"),
        )
    refused = [(view.address, gap) for view in _views(facts) for gap in view.gaps if gap.reason in ACCESS]
    if refused:
        asked = sorted({address for address, _ in refused})
        yield Finding(
            FindingId.AUTH_FAILED,
            Severity.INFO,
            confident(complete=True),
            f"Single questions are refused to us by {', '.join(map(str, asked))}: the ACL leaves them out.",
            tuple(asked),
            tuple(no_answer(gap) for _, gap in refused),
        )


def tls_failed(facts: Facts) -> Iterator[Finding]:
    """The TLS handshake with somebody failed, or one side speaks TLS and the other does not. Certain: we tried."""
    shut = _shut_out(facts, {Reason.TLS})
    if shut:
        yield Finding(
            FindingId.TLS_FAILED,
            Severity.WARNING,
            confident(complete=True),
            f"No TLS connection to {_names(shut)}: look at ca_file, the certificate's names and its dates.",
            tuple(address for address, _ in shut),
            tuple(no_answer(unasked) for _, unasked in shut),
            facts.lines("diagnose"),
        )


def loading(facts: Facts) -> Iterator[Finding]:
    """A node loads its data set, as it says itself. Critical on the master: it takes no commands until it has."""
    for node in facts.snapshot.nodes:
        shut = node.unasked is not None and node.unasked.reason is Reason.LOADING
        if shut or (node.info is not None and node.info.loading):
            yield _held(facts, FindingId.LOADING, node, f"is loading its data{_how_far(node)}", "loading:1")


def busy_script(facts: Facts) -> Iterator[Finding]:
    """A script or function holds a node, as it says itself. Critical on the master: it takes no other commands."""
    for node in facts.snapshot.nodes:
        if node.unasked is not None and node.unasked.reason is Reason.BUSY:
            kill = "FUNCTION KILL" if "FUNCTION KILL" in node.unasked.why else "SCRIPT KILL"
            what = "function" if kill == "FUNCTION KILL" else "script"
            yield _held(facts, FindingId.BUSY_SCRIPT, node, f"is held by a {what} ({kill} ends one that wrote nothing)")


def _how_far(node: NodeView) -> str:
    """What it still has to read, and for how long by its own guess; nothing where it does not tell."""
    stats = node.info.stats if node.info else None
    if stats is None or not stats.loading_total or stats.loading_done is None:
        return ""
    done = min(100, stats.loading_done * 100 // stats.loading_total)
    left = "" if stats.loading_left_s is None else f", about {stats.loading_left_s:,} s left"
    return f": {done} % done{left}"


def _held(facts: Facts, finding: FindingId, node: NodeView, what: str, observation: str = "") -> Finding:
    is_master = facts.leads(node)
    return Finding(
        finding,
        Severity.CRITICAL if is_master else Severity.WARNING,
        confident(complete=True),
        f"The {'master' if is_master else 'replica'} {node.address} {what}.",
        (node.address,),
        (no_answer(node.unasked) if node.unasked else of_node(node, observation),),
        facts.lines("diagnose", "events"),
    )


def _views(facts: Facts) -> tuple[NodeView | SentinelView, ...]:
    return (*facts.snapshot.nodes, *facts.snapshot.sentinels)


def _shut_out(facts: Facts, reasons: Collection[Reason]) -> list[tuple[Address, Unasked]]:
    return [(view.address, view.unasked) for view in _views(facts) if view.unasked and view.unasked.reason in reasons]


def _mend(shut: list[tuple[Address, Unasked]]) -> str:
    """What to do: the words of who leads there say it themselves."""
    why = next((unasked.why for _, unasked in shut if "Add to the Role: " in unasked.why), "")
    return (
        why.removeprefix("NOPERM ").partition(" (dialled at")[0]
        or _unprotect(shut)
        or "mend the user, the password or the ACL in targets.yaml or there."
    )


def _unprotect(shut: list[tuple[Address, Unasked]]) -> str:
    if all(unasked.reason is Reason.DENIED for _, unasked in shut):
        return "its protected mode is on, and it has no password: set one, or bind it to addresses of its own."
    return ""


def _names(shut: list[tuple[Address, Unasked]]) -> str:
    by_reason = sorted({str(unasked.reason) for _, unasked in shut})
    return f"{', '.join(str(address) for address, _ in shut)} ({', '.join(by_reason)})"
