"""Rules about the master: down, out of our reach, out of the Sentinels' reach, being failed over. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actions.kit.diagnosis.facts import (
    SOMEBODY,
    Facts,
    confident,
    flags_of,
    no_answer,
    of_node,
    of_sentinel,
    silent_words,
)
from actions.kit.diagnosis.voice import Reach, Voice
from actions.kit.diagnosis.voices import majority_says_no, voices
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.snapshot import Reason, Unasked


def master_down(facts: Facts) -> Iterator[Finding]:
    """Nobody reaches the master.

    It gave us nothing; and a majority of all Sentinels do not reach it, or nothing listens there and none of those that
    are left reaches it, or a replica's link to it is down; and no replica hears from it. Certain if every Sentinel and
    every other node answered and none reaches it; undetermined if one still does. Nor is it certain where something
    answers us that is not understood.
    """
    if facts.silent_master is None:
        return
    said = voices(facts)
    if not nobody_reaches(facts, said):
        return
    node, unasked = facts.silent_master
    complete = facts.all_others_answered and facts.sure_of_master
    unanimous = all(voice.reach is Reach.NO for voice in said)
    conflict = any(voice.reach is Reach.YES for voice in said)
    by_hand = unasked.reason not in SOMEBODY and (unanimous or (facts.in_cluster and not conflict))
    yield Finding(
        FindingId.MASTER_DOWN,
        Severity.CRITICAL,
        confident(complete=complete and unanimous and unasked.reason not in SOMEBODY, conflict=conflict),
        f"The {facts.title} is down: it {_answers(unasked)}, {_against(facts, said)}.",
        (node.address,),
        (no_answer(unasked), *(voice.evidence for voice in said)),
        (*(facts.promotion_lines if by_hand else ()), *facts.lines("diagnose", "events")),
    )


def master_unreachable(facts: Facts) -> Iterator[Finding]:
    """We cannot reach the master, but a Sentinel or a replica does.

    It gave us nothing, at least one reaches it, and it is not down by the rule above. Certain if all answered, all
    reach it, and our way broke off: where it was a time-out, or nothing listened, others may only not know yet that it
    hangs or is gone, since a dump's process keeps the connections of a dead one open. Nor is it certain where
    something answers us that is not understood.
    """
    if facts.silent_master is None:
        return
    said = voices(facts)
    if nobody_reaches(facts, said) or not any(voice.reach is Reach.YES for voice in said):
        return
    node, unasked = facts.silent_master
    complete = (
        facts.all_others_answered
        and facts.sure_of_master
        and all(voice.reach is Reach.YES for voice in said)
        and unasked.reason not in SOMEBODY | {Reason.TIMED_OUT, Reason.REFUSED}
    )
    yield Finding(
        FindingId.MASTER_UNREACHABLE,
        Severity.WARNING,
        confident(complete=complete, conflict=any(voice.reach is Reach.NO for voice in said)),
        _unreachable(facts, unasked),
        (node.address,),
        (no_answer(unasked), *(voice.evidence for voice in said)),
        facts.lines("diagnose"),
    )


def master_unreachable_for_voters(facts: Facts) -> Iterator[Finding]:
    """The master answers us, but a majority of all who vote do not reach it: they are about to fail over.

    Certain if everybody who votes answered, none reaches it, and no silent one could name another master; not where all
    of them have known it for a moment only, and are about to connect: after a failover they are.
    """
    if facts.master is None or not facts.master.is_master:
        return
    said = facts.electors
    if not majority_says_no(facts, said):
        return
    sure = all(voice.reach is Reach.NO for voice in said) and facts.called_down
    yield Finding(
        FindingId.MASTER_UNREACHABLE,
        Severity.CRITICAL,
        confident(complete=facts.all_voters_answered and facts.sure_of_master and sure),
        f"The {facts.title} answers us, but most {facts.voters}s do not reach it and may fail it over"
        f"{_refused(facts)}.",
        (facts.master.address,),
        (of_node(facts.master, "role master"), *(voice.evidence for voice in said)),
        facts.lines("diagnose", "events"),
    )


def _refused(facts: Facts) -> str:
    """A Sentinel that is not let in holds its master to be down, though it is there."""
    if not facts.has_sentinels or facts.master is None or facts.master.info is None:
        return ""
    errors = facts.master.info.errors
    if not errors.noauth and not errors.wrongpass:
        return ""
    return f" (perhaps it refuses them, NOAUTH {errors.noauth:,}, WRONGPASS {errors.wrongpass:,}: look at auth-pass)"


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
        facts.lines("diagnose", "events"),
    )


def _both(facts: Facts) -> str:
    if len(facts.masters) < 2:
        return ""
    return f", and {' and '.join(str(node.address) for node in facts.masters)} each say that they are master"


def _unreachable(facts: Facts, unasked: Unasked) -> str:
    """What the others say is a little old: it does not prove that a master that is silent to us answers them now."""
    if unasked.reason in SOMEBODY:
        return silent_words(f"The {facts.title}", "master", unasked, reached="others")
    if unasked.reason is Reason.TIMED_OUT:
        return (
            f"The {facts.title} does not answer us in time, and others have not lost it so far: it hangs since a "
            "moment ago, or the way from here is at fault. Look again in a few seconds."
        )
    if unasked.reason is Reason.REFUSED:
        return (
            f"Nothing listens for us at the {facts.title}, and others have not lost it so far: it ended a moment ago, "
            "or the way from here is at fault. Look again in a few seconds."
        )
    return f"We cannot reach the {facts.title} ({unasked.reason}), but others can: look at the way from here."


def nobody_reaches(facts: Facts, said: Sequence[Voice]) -> bool:
    """A majority of all who vote do not reach it, or a replica has lost it; and no replica hears from it.

    Also where nothing listens there, and each of those who vote and are left, too few to be a majority, says so too.
    Where it is silent to us and to a minority alike, we may be cut off together.
    """
    replicas = [voice.reach for voice in said if not voice.votes]
    if Reach.YES in replicas:
        return False
    gone = facts.silent_master is not None and facts.silent_master[1].reason is Reason.REFUSED
    left = gone and facts.called_down and all(voice.reach is Reach.NO for voice in said)
    return majority_says_no(facts, said) or Reach.NO in replicas or left


def _answers(unasked: Unasked) -> str:
    return (
        f"does not answer us as a master does ({unasked.why})" if unasked.reason in SOMEBODY else "does not answer us"
    )


def _against(facts: Facts, said: Sequence[Voice]) -> str:
    votes = sum(voice.votes for voice in said)
    replicas = [voice.reach is Reach.NO for voice in said if not voice.votes]
    parts = []
    if votes:
        nos = sum(voice.votes for voice in said if voice.reach is Reach.NO)
        parts.append(f"{nos} of {votes} {facts.voters}s {'does' if nos == 1 else 'do'} not reach it")
    if replicas:
        parts.append(f"{sum(replicas)} of {len(replicas)} replicas have lost it")
    return " and ".join(parts)
