"""Rules about the master: down, out of our reach, out of the Sentinels' reach, being failed over. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.diagnosis.facts import Facts, confident, flags_of, no_answer, of_node, of_sentinel
from actions.kit.diagnosis.voices import Reach, Voice, majority_says_no, sentinels, voices
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.heirs import best_heir
from actions.kit.snapshot import Reason
from actions.kit.topology import Address


def master_down(facts: Facts) -> Iterator[Finding]:
    """Nobody reaches the master.

    It gave us nothing; and a majority of all Sentinels do not reach it, or a replica's link to it is down; and no
    replica hears from it. Certain if every Sentinel and every other node answered and none reaches it; undetermined
    if one still does.
    """
    if facts.silent_master is None:
        return
    said = voices(facts)
    if not _nobody_reaches(facts, said):
        return
    node, unasked = facts.silent_master
    complete = facts.all_others_answered and facts.sure_of_master
    unanimous = all(voice.reach is Reach.NO for voice in said)
    conflict = any(voice.reach is Reach.YES for voice in said)
    yield Finding(
        FindingId.MASTER_DOWN,
        Severity.CRITICAL,
        confident(complete=complete and unanimous, conflict=conflict),
        f"The master {node.address} is down: it does not answer us, {_against(said)}.",
        (node.address,),
        (no_answer(unasked), *(voice.evidence for voice in said)),
        (*promotion(facts), *facts.lines("diagnose")),
    )


def master_unreachable(facts: Facts) -> Iterator[Finding]:
    """We cannot reach the master, but a Sentinel or a replica does.

    It gave us nothing, at least one reaches it, and it is not down by the rule above. Certain if all answered, all
    reach it, and ours was not a time-out: a master that hangs since a moment ago looks the same to all others.
    """
    if facts.silent_master is None:
        return
    said = voices(facts)
    if _nobody_reaches(facts, said) or not any(voice.reach is Reach.YES for voice in said):
        return
    node, unasked = facts.silent_master
    complete = (
        facts.all_others_answered
        and facts.sure_of_master
        and all(voice.reach is Reach.YES for voice in said)
        and unasked.reason is not Reason.TIMED_OUT
    )
    yield Finding(
        FindingId.MASTER_UNREACHABLE,
        Severity.WARNING,
        confident(complete=complete, conflict=any(voice.reach is Reach.NO for voice in said)),
        _unreachable(node.address, unasked.reason),
        (node.address,),
        (no_answer(unasked), *(voice.evidence for voice in said)),
        facts.lines("diagnose"),
    )


def master_unreachable_for_sentinels(facts: Facts) -> Iterator[Finding]:
    """The master answers us, but a majority of all Sentinels do not reach it: they are about to fail over.

    Certain if every Sentinel answered and none reaches it.
    """
    if facts.master is None or not facts.master.is_master:
        return
    said = tuple(sentinels(facts))
    if not majority_says_no(facts, said):
        return
    unanimous = all(voice.reach is Reach.NO for voice in said)
    yield Finding(
        FindingId.MASTER_UNREACHABLE,
        Severity.CRITICAL,
        confident(complete=facts.all_sentinels_answered and unanimous),
        f"The master {facts.master.address} answers us, but most Sentinels do not reach it and may fail it over.",
        (facts.master.address,),
        (of_node(facts.master, "role master"), *(voice.evidence for voice in said)),
        facts.lines("diagnose"),
    )


def failover_in_progress(facts: Facts) -> Iterator[Finding]:
    """The roles are moving: hands off.

    A Sentinel flags its master failover_in_progress, or a node's master_failover_state is not no-failover. Certain:
    who does it says so.
    """
    evidence = [
        of_sentinel(view, f"{flags_of(master.flags)} on {master.address}")
        for view, master in facts.opinions
        if "failover_in_progress" in master.flags
    ]
    evidence += [
        of_node(node, f"master_failover_state {node.info.failover_state}")
        for node in facts.snapshot.nodes
        if node.info and node.info.failover_state not in (None, "", "no-failover")
    ]
    if not evidence:
        return
    evidence += [of_node(node, "role master") for node in facts.masters]
    yield Finding(
        FindingId.FAILOVER_IN_PROGRESS,
        Severity.CRITICAL,
        confident(complete=True),
        f"A failover is in progress{_both(facts)}: wait until it has ended before anything is changed.",
        (facts.master_address,) if facts.master_address else (),
        tuple(evidence),
        facts.lines("diagnose"),
    )


def _both(facts: Facts) -> str:
    if len(facts.masters) < 2:
        return ""
    return f", and {' and '.join(str(node.address) for node in facts.masters)} each say that they are master"


def _unreachable(address: Address, reason: Reason) -> str:
    """What the others say is a little old: it does not prove that a master that is silent to us answers them now."""
    if reason is Reason.TIMED_OUT:
        return (
            f"The master {address} does not answer us in time, and others have not lost it so far: it hangs since a "
            "moment ago, or the way from here is at fault. Look again in a few seconds."
        )
    return f"We cannot reach the master {address} ({reason}), but others can: look at the way from here."


def _nobody_reaches(facts: Facts, said: Sequence[Voice]) -> bool:
    replicas = [voice.reach for voice in said if not voice.is_sentinel]
    if Reach.YES in replicas:
        return False
    return majority_says_no(facts, said) or Reach.NO in replicas


def _against(said: Sequence[Voice]) -> str:
    votes = [voice.reach is Reach.NO for voice in said if voice.is_sentinel]
    replicas = [voice.reach is Reach.NO for voice in said if not voice.is_sentinel]
    parts = []
    if votes:
        parts.append(f"{sum(votes)} of {len(votes)} Sentinels do not reach it")
    if replicas:
        parts.append(f"{sum(replicas)} of {len(replicas)} replicas have lost it")
    return " and ".join(parts)


def promotion(facts: Facts) -> tuple[str, ...]:
    """The action line that promotes the best replica by hand, where nobody is in charge."""
    heir = None if facts.has_sentinels else best_heir(facts.snapshot)
    return (f"promote {facts.snapshot.target} --to {heir.address}",) if heir else ()
