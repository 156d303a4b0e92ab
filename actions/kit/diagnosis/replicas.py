"""Rules about replicas: down, broken, none that could take over. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.candidates import priority_of
from actions.kit.diagnosis.broken import alone_has, cause_of, other_history, refused_sync, stale
from actions.kit.diagnosis.catching_up import is_sent_everything, is_syncing
from actions.kit.diagnosis.cause import Cause
from actions.kit.diagnosis.facts import (
    ACCESS,
    EXPLAINED,
    SOMEBODY,
    Facts,
    confident,
    count,
    no_answer,
    of_node,
    silent_words,
)
from actions.kit.diagnosis.resyncs import begun_again
from actions.kit.diagnosis.split import repair_lines
from actions.kit.diagnosis.tunings import longer_backlog, longer_buffer, with_tuning
from actions.kit.diagnosis.voice import Reach
from actions.kit.diagnosis.voices import HEARD_S, followers_of, link_text
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.heirs import never_synced
from actions.kit.snapshot import Link, NodeInfo, NodeView, Reason, Unasked

SHUT_OUT = ACCESS | SOMEBODY | {Reason.TLS, Reason.MAXCLIENTS}


def replica_down(facts: Facts) -> Iterator[Finding]:
    """A node that should be a replica gave us nothing.

    Certain if the master answered and has not attached it, every Sentinel answered and those that know it do not
    reach it, and no other node could follow it: each answered, or nothing listens there, and none has an open link to
    it; undetermined if the master, a Sentinel or a replica of its own does: then it is our way to it that is cut;
    or if something answers there that is not understood.
    Nothing is said of a node of which nothing is known but that a replica was told to follow it, nor of one that does
    not answer in time while its master sends it everything.
    """
    for node in facts.others:
        if node.unasked is None or node.unasked.reason in EXPLAINED or is_sent_everything(facts, node):
            continue
        if not _stranger(facts, node):
            yield _replica_down(facts, node, node.unasked)


def _stranger(facts: Facts, node: NodeView) -> bool:
    """Neither the settings nor anybody else calls it a node of this target: it may be one of another."""
    following = facts.followers.get(node.address, ())
    known = any(one.info and node.address in {each.address for each in one.info.replicas} for one in following)
    return bool(following) and not known and {f"node {one.address}" for one in following} == set(node.known_from)


def _replica_down(facts: Facts, node: NodeView, unasked: Unasked) -> Finding:
    evidence = [no_answer(unasked)]
    if facts.master is not None and facts.master.info is not None:
        state, lag_s = facts.attached.get(node.address, ("not attached", 0))
        evidence.append(of_node(facts.master, f"{node.address} {state}, last acknowledged {lag_s} s ago"))
    evidence += (voice.evidence for voice in (*followers_of(facts, node.address), *facts.heard_of(node.address)))
    reached = " and ".join(_reached_by(facts, node))
    others_answered = facts.master is not None and facts.master.is_master and facts.sure_of_master
    return Finding(
        FindingId.REPLICA_DOWN,
        Severity.WARNING,
        confident(
            complete=others_answered
            and facts.nobody_else_could_tell(node.address)
            and not _may_be_followed(facts, node),
            conflict=bool(reached) or unasked.reason in SOMEBODY,
        ),
        silent_words(f"The replica {node.address}", "replica", unasked, reached=reached),
        (node.address,),
        tuple(evidence),
        facts.lines("diagnose", "events"),
    )


def _may_be_followed(facts: Facts, node: NodeView) -> bool:
    """Another node hears from it perhaps: an old master may go on with its replicas where only they reach it."""
    silent = (one.unasked for one in facts.others if one is not node)
    return any(voice.reach is Reach.UNSAID for voice in followers_of(facts, node.address)) or any(
        unasked is not None and unasked.reason is not Reason.REFUSED for unasked in silent
    )


def _reached_by(facts: Facts, node: NodeView) -> Iterator[str]:
    """Who else reaches a replica that gave us nothing, in words: then it is not down."""
    state, lag_s = facts.attached.get(node.address, ("", 0))
    if state == "online" and 0 <= lag_s <= HEARD_S:
        yield "its master"
    if any(voice.reach is Reach.YES for voice in followers_of(facts, node.address)):
        yield "its own replica"
    voters = sum(voice.votes for voice in facts.heard_of(node.address) if voice.reach is Reach.YES)
    if voters:
        yield count(voters, facts.watchers)


def replication_broken(facts: Facts) -> Iterator[Finding]:
    """A replica answers, but does not get the master's writes while the master is up.

    Its link is down, it is not in a full sync, and the master answers; or full syncs begin again and again; or it
    follows another node than the master, outside any chain of replicas, with another history. Certain if whom it
    follows answered or is unknown, and no silent one could name another master; likely where only the
    number of full syncs says so. The reason is said where something proves it or points to it; and the setting of
    whom it follows that mends it, where a value follows from what was seen.
    """
    master = facts.master
    if master is None or not master.is_master:
        return
    for node in facts.others:
        link = node.info.link if node.info else None
        problem = _problem(facts, node, link) if link else None
        if link is None or problem is None:
            continue
        attached = facts.attached.get(node.address)
        tuning = longer_buffer(facts, node, link) or longer_backlog(facts, node, link)
        seen = f"has {node.address} {attached[0]}" if attached else f"has not attached {node.address}"
        found = Finding(
            FindingId.REPLICATION_BROKEN,
            Severity.WARNING,
            confident(complete=facts.sure_of_master and problem.proven),
            f"The replica {node.address} {problem.words}{stale(facts, node)}.{alone_has(node, master)}",
            (node.address,),
            (
                of_node(node, link_text(link)),
                of_node(master, f"role master, {seen}"),
                *problem.evidence,
                *other_history(node, master),
            ),
            (
                *(repair_lines(facts, None) if node.config and node.config.held else ()),
                *facts.lines("diagnose", "events"),
            ),
        )
        yield with_tuning(found, tuning)


def _problem(facts: Facts, node: NodeView, link: Link) -> Cause | None:
    """What is wrong, and whether that is proven; why, may still only be likely."""
    followed = facts.nodes.get(link.master)
    proven = followed is None or followed.info is not None
    strange = link.master != facts.master_address and not (followed and followed.is_replica)
    if strange and not (link.up and facts.lag_bytes(node) is not None):
        cause = None if link.up else cause_of(facts, node, link)
        why = f" ({cause.sentence})" if cause else ""
        whom = f"{link.master}, " if followed else f"{link.master}, a node of another deployment, "
        words = f"follows {whom}not the master {facts.master_address}{why}"
        return Cause(words, cause.evidence if cause else (), proven)
    if link.up or (node.info and node.info.loading):
        return None
    refused = refused_sync(facts, node, link)
    if refused is not None:
        return Cause(f"gets no full sync ({refused.sentence})", refused.evidence, refused.proven)
    if is_syncing(facts, node, link):
        again = begun_again(facts, node, link)
        return again and Cause(f"is in a full sync again and again: {again.words}", again.evidence, again.proven)
    if followed and followed.info and followed.info.loading:
        return Cause("has lost its link: its master is loading its data", proven=proven)
    cause = cause_of(facts, node, link) or Cause(_look_around(facts), proven=True)
    return Cause(f"has lost its link to the master, though the master is up ({cause.sentence})", cause.evidence, proven)


def _look_around(facts: Facts) -> str:
    others = sum(1 for one in facts.others if one.info and one.info.link and one.info.link.up)
    if others:
        return "others have theirs: look at the way between the two, masterauth and TLS"
    return "no other has one: look at the way between, masterauth and TLS"


def no_eligible_replica(facts: Facts) -> Iterator[Finding]:
    """Nobody could take over from the master.

    No node but the master answers as a replica of it, is neither loading nor in a full sync nor without one, has a
    replica-priority other than 0 (in a cluster, where that counts for nothing: may ask for votes), is within the lag
    limit with its link up (while the master is down a link that is down is no obstacle), and is reached by some
    Sentinel. A node that does not let us in, that we do not understand, or that only others reach, may be one
    that could: then nothing is said, nor of a shard whose replicas are all gone: that has a finding of its own. Certain
    if every node answered, the master as one.
    """
    if facts.master_address is None or (facts.in_cluster and not any(node.info for node in facts.others)):
        return
    answering = facts.master is not None and facts.master.is_master
    obstacles = []
    for node in facts.others:
        if node.unasked is not None and node.unasked.reason in SHUT_OUT:
            return
        obstacle = _obstacle(facts, node)
        if obstacle is None or (node.info is None and any(_reached_by(facts, node))):
            return
        obstacles.append((node, obstacle))
    yield Finding(
        FindingId.NO_ELIGIBLE_REPLICA,
        Severity.WARNING,
        confident(complete=answering and facts.all_others_answered and facts.sure_of_master),
        f"No replica could take over from {facts.master_address}.",
        tuple(node.address for node, _ in obstacles),
        tuple(Evidence(f"node {node.address}", obstacle) for node, obstacle in obstacles)
        or (Evidence("every vantage point", "nobody knows of a replica"),),
        facts.lines("diagnose"),
    )


def _obstacle(facts: Facts, node: NodeView) -> str | None:
    """The first reason why this node could not take over."""
    if node.info is None:
        return f"it did not answer: {node.unasked.reason if node.unasked else 'no reason known'}"
    if node.info.link is None:
        return "it follows nobody"
    return next(_obstacles(facts, node, node.info, node.info.link), None)


def _obstacles(facts: Facts, node: NodeView, info: NodeInfo, link: Link) -> Iterator[str]:
    if info.loading:
        yield "it is loading its data"
    if is_syncing(facts, node, link):
        yield "it is in a full sync"
    if never_synced(node):
        yield "it holds nothing: it has never ended a sync with its master"
    if not link.up and facts.silent_master is None:
        yield "its link to the master is down"
    if facts.in_cluster:
        if node.cluster and node.cluster.me and "nofailover" in node.cluster.me.flags:
            yield "its cluster-replica-no-failover is yes: it never asks for votes"
    elif priority_of(node) == 0:
        yield "its replica-priority is 0: never to be promoted"
    lag = facts.lag_bytes(node)
    if lag is not None and lag > facts.snapshot.limits.max_lag_bytes:
        yield f"it is {lag:,} bytes behind"
    heard = facts.heard_of(node.address)
    if heard and all(voice.reach is Reach.NO for voice in heard):
        yield f"no {facts.voters} reaches it"
