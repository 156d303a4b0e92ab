"""Promotion by hand, where the master is lost and nobody is in charge, as a plan. No I/O here.

Fence the replica that provably has the most, see once more that the master is lost, promote, let it take writes, send
the others after it, write the roles to the files, watch for the old master, prove the result. From the promotion on the
old master is fenced as soon as it is back, and follows where nothing is lost by that.
Sentinels that are left are told before the new master takes its first write: one alone would revert the promotion as
soon as the old master is back. Those that are gone are told when they come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from actions.kit import sentinels_gone
from actions.kit.candidates import priority_of
from actions.kit.errors import NotYet, TooLate
from actions.kit.fencing import but_scripts, fence_of, scripts_pass
from actions.kit.following import KeepRoles, Repoint
from actions.kit.heirs import certain_loss, unfit, waits_for_replicas, why_no_heir
from actions.kit.kubernetes.switch import Switching, switching
from actions.kit.lost_master import Lost, lost, not_lost
from actions.kit.opening import OpenForWrites
from actions.kit.plan import Cost, Plan, Rejected, Risk, Step, facts_of
from actions.kit.ports import Hands
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.rejoin import Rejoin
from actions.kit.replication_failover import LOOK_AGAIN_S, lasting
from actions.kit.replication_refusals import others_in_charge
from actions.kit.sentinel_naming import TellSentinels, before_it_starts
from actions.kit.snapshot import Link, NodeView, Snapshot
from actions.kit.steps import Prove
from actions.kit.topology import Address, Kind


@dataclass(frozen=True, slots=True)
class StillLost(Step):
    """See right before the promotion that the master is still lost: it answers nobody that we can ask.

    And that the candidate still is the process that was chosen: one that was restarted may have come back without data.
    """

    master: Address | None
    candidate: Address | None = None
    run_id: str = ""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that {self.master or 'every master'} is still lost"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "INFO replication on every node: no role:master, and no master_link_status:up"

    async def act(self, hands: Hands) -> str:
        """Look once.

        Raises:
            NotYet: it is not lost any more.
            TooLate: the candidate was restarted.
        """
        snapshot = await hands.observe()
        reasons = (*in_charge(snapshot), *not_lost(snapshot))
        if reasons:
            raise NotYet(" ".join(reasons))
        found = lost(snapshot)
        if found.address != self.master:
            raise NotYet(f"the replicas follow {found.address or 'one another'} by now, not {self.master}")
        heir = snapshot.node(self.candidate)
        if heir is not None and (heir.info is None or heir.info.run_id != self.run_id):
            raise TooLate(f"{self.candidate} was restarted meanwhile, or does not answer")
        return found.words


def planned(snapshot: Snapshot, action: str, heir: NodeView, application: str) -> Plan:
    """The plan to promote a replica; the refusals have found no reason against it.

    ``application``: what becomes of the application on Kubernetes; see ``actions.kit.kubernetes.switch``.
    """
    gone, switch = lost(snapshot), switching(snapshot, heir.address, application)
    nobody = sentinels_gone.gone(snapshot)
    because = (gone.words, nobody.words if snapshot.sentinels else "", _why(snapshot, heir))
    return Plan(
        target=snapshot.target,
        action=action,
        # What cannot be proven a person has to vouch for, by typing the target's name.
        risk=Risk.IRREVERSIBLE if nobody.silent else Risk.DESTRUCTIVE,
        because=" ".join(filter(None, because)),
        cost=_cost(snapshot, gone, heir, switch.notes),
        steps=_steps(snapshot, gone, heir, switch),
        seen=facts_of(snapshot),
        candidate=heir.address,
        rejected=tuple(_rejected(snapshot, gone, heir)),
    )


def _steps(snapshot: Snapshot, gone: Lost, heir: NodeView, switch: Switching) -> tuple[Step, ...]:
    new, old = heir.address, gone.address
    fence = fence_of(new, heir.config)
    others = tuple(_to_repoint(snapshot, gone, new))
    expected = tuple(node.address for node in snapshot.nodes if node.info is not None)
    token, quorum = f"{snapshot.target}:{new.port}", not snapshot.sentinels
    tell = partial(TellSentinels, master_name=snapshot.master_name, master=new, instead_of=old)
    left = tuple(view.address for view in snapshot.sentinels if view.master is not None)
    away = tuple(view.address for view in snapshot.sentinels if view.master is None)
    run_id, replid, offset = (heir.info.run_id, heir.info.replid, heir.info.offset) if heir.info else ("", "", 0)
    back = _returning(snapshot, old, heir)
    return (
        FenceCandidate(new, fence, scripts_pass=scripts_pass(heir)),
        StillLost(old, new, run_id),
        Promote(new, None, scripts_pass=scripts_pass(heir)),
        *([tell(left)] if left else []),
        OpenForWrites(new, fence, old, returning=back, replid=replid, offset=offset, named_by=left),
        *([back] if back else []),
        *(Repoint(other, new, replid=replid, offset=offset) for other in others),
        KeepRoles(new, others),
        *switch.at_once,
        *([tell(away, silent=True)] if away else []),
        # Before the proofs: those wait for replicas that sync, while nobody would fence one that comes back.
        *([replace(back, within_s=LOOK_AGAIN_S, again=True)] if back else []),
        Prove(new, expected, token, left, quorum=quorum, run_id=run_id),
        *([tell(away, silent=True, again=True)] if away else []),
        # A lost master has been waited for already.
        Prove(new, expected, token, left, after_s=5 if back else LOOK_AGAIN_S, quorum=quorum, run_id=run_id),
        *switch.at_last,
    )


def _returning(snapshot: Snapshot, old: Address | None, heir: NodeView) -> Rejoin | None:
    """What to do with the lost master when it is back."""
    if old is None or heir.info is None:
        return None
    return Rejoin(
        old,
        heir.address,
        fence_of(old, heir.config),  # Those of one deployment are set alike: what the lost one had cannot be asked.
        snapshot.limits.max_pause_ms,
        within_s=1,
        offset=heir.info.offset,
        hold=snapshot.kind is Kind.SENTINEL,
        history=heir.info.replid,
    )


def _to_repoint(snapshot: Snapshot, gone: Lost, new: Address) -> Iterator[Address]:
    """Who follows the lost master; where there is none everybody, since they may follow one another in a circle.

    Sentinel has everybody follow the master itself.
    """
    everybody = gone.address is None or snapshot.kind is Kind.SENTINEL
    for node in snapshot.nodes:
        link = node.info.link if node.info else None
        if link is not None and new not in {node.address, link.master} and (everybody or link.master == gone.address):
            yield node.address


def _why(snapshot: Snapshot, heir: NodeView) -> str:
    offset = heir.info.offset if heir.info else 0
    if any(node.is_replica and node.address != heir.address for node in snapshot.nodes):
        return f"Of all that answer and could take over {heir.address} has the most bytes: offset {offset:,}."
    return f"{heir.address} is the only replica that answers, at offset {offset:,}."


def _rejected(snapshot: Snapshot, gone: Lost, heir: NodeView) -> Iterator[Rejected]:
    for node in snapshot.nodes:
        if node.address not in {heir.address, gone.address}:
            reasons = why_no_heir(snapshot, node)
            yield Rejected(node.address, "; ".join(reasons) or "it has no byte more, and was not asked for")


def _cost(snapshot: Snapshot, gone: Lost, heir: NodeView, more: tuple[str, ...]) -> Cost:
    floor, ahead = certain_loss(snapshot, heir)
    known = gone.node is None and all(node.info for node in snapshot.nodes)
    notes = [*_old_master(gone, heir), *sentinels_after(snapshot, gone.address, heir.address)]
    notes += [*_loss(gone, heir), *_ahead(snapshot, floor, ahead)]
    if priority_of(heir) == 0:
        notes.append(f"{heir.address} has replica-priority 0: somebody meant it never to be promoted.")
    notes += waits_for_replicas(heir, tuple(_to_repoint(snapshot, gone, heir.address)))
    if gone.node is not None and not snapshot.sentinels:
        notes.append(f"Clients that are set to {gone.address} have to be pointed at {heir.address}.")
    notes += more
    notes += lasting(snapshot, without=gone.address)
    return Cost(loss_bytes=floor if known else None, loss_keys=0 if known and not floor else None, notes=tuple(notes))


def _loss(gone: Lost, heir: NodeView) -> Iterator[str]:
    if gone.node is not None:
        link = heir.info.link if heir.info else None
        yield (
            f"Lost is what {gone.address} acknowledged and {heir.address} never got; how much, nothing proves: "
            f"{_last_heard(heir.address, link)}."
        )
    if heir.keys is not None:
        yield f"{heir.address} holds {heir.keys:,} keys."


def _last_heard(heir: Address, link: Link | None) -> str:
    if link is None or link.up:
        return f"{heir} does not say when it last heard from it"
    if link.down_since_s is None:
        return f"{heir} has not heard from it since it was started, and has what its own file held"
    return f"{heir} lost it {link.down_since_s} s ago"


def _ahead(snapshot: Snapshot, floor: int, ahead: Address | None) -> Iterator[str]:
    node = snapshot.node(ahead)
    if floor and node is not None:
        yield f"At least {floor:,} bytes are lost that {ahead} has: it cannot take over ({'; '.join(unfit(node))})."


def in_charge(snapshot: Snapshot) -> Iterator[str]:
    """Who else moves the roles, so that nobody may do it by hand; nothing where nobody does."""
    if snapshot.kind is Kind.SENTINEL:
        return sentinels_gone.still_in_charge(snapshot)
    return others_in_charge(snapshot)


def sentinels_after(snapshot: Snapshot, old: Address | None, new: Address) -> Iterator[str]:
    """What the Sentinels do afterwards: those that are told, those that come back, and their clients."""
    nobody = sentinels_gone.gone(snapshot)
    if nobody.silent:
        yield (
            f"Nothing proves that Sentinel {', '.join(str(view.address) for view in nobody.silent)} is gone. Cut off "
            f"together with {old or 'a master'} they go on with it, and what clients write there is lost. Type the "
            "name of the target if you know better."
        )
    if nobody.left:
        yield "What is left of the Sentinels names the new master before it takes a write."
    if nobody.dead or nobody.silent:
        yield (
            f"A Sentinel that comes back names {old or 'the old master'}. Two of them fail over again, to whomever "
            f"they choose; one is enough to make {new} a replica if {old or 'that one'} is back too, within 10 s. "
            "Tandem tells each as soon as it is seen; without Tandem, "
            f"{before_it_starts(snapshot.master_name, new, old)}."
        )
    if snapshot.sentinels:
        yield f"Clients that ask Sentinels which are gone learn nothing: point them at {new} until those are back."


def _old_master(gone: Lost, heir: NodeView) -> Iterator[str]:
    if gone.node is None:
        return
    if gone.dead:
        yield f"{gone.address} is dead: nothing listens there. Keep it from being started again while this runs."
    else:
        yield (
            f"Nothing proves that {gone.address} is dead: it does not answer us, and no replica hears it, but clients "
            "that still reach it go on writing to it, and all of that is lost. Stop it if you can."
        )
    yield (
        # Those of one deployment are of one version.
        f"If it comes back within {LOOK_AGAIN_S} s it is fenced at once{but_scripts(scripts_pass(heir))}, and follows "
        "if it has nothing that the new master lacks; else a person decides what becomes of its data."
    )
