"""The rule about two masters: who they are, what they share, which one is the true one. No I/O here.

What is judged by, the strongest first: whom the Sentinels' majority names, what the histories prove, who takes writes
now, who has replicas. How long each is up and how many keys it holds is shown, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from actions.kit.diagnosis.facts import Facts, confident, count, no_answer, of_node, of_sentinel
from actions.kit.diagnosis.hidden import hidden_masters
from actions.kit.diagnosis.lineage import Divergence, births, divergence
from actions.kit.diagnosis.sentinel_traps import deployments
from actions.kit.diagnosis.writers import Writers, evidence, writers
from actions.kit.findings import Confidence, Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address

IN_PAIRS = 4
"""Up to so many masters each is compared with each; of more, with the first or the true one."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The masters of a split brain, as data for whoever mends it.

    ``named`` is whom the Sentinels' majority names, where it is one of them. ``keeper`` is who is kept and ``losers``
    who are given up; where the evidence does not decide, there is no keeper, and every master may be a loser.
    ``why`` is the finding's sentence.
    """

    named: Address | None
    keeper: Address | None
    losers: tuple[Address, ...]
    confidence: Confidence
    why: str
    hidden: tuple[Address, ...]
    """Those of them that do not answer us."""
    writers: Writers
    divergences: tuple[Divergence, ...]
    """What they share in pairs, those first that tell of the keeper."""

    @property
    def masters(self) -> tuple[Address, ...]:
        """All of them."""
        return self.losers if self.keeper is None else (self.keeper, *self.losers)

    def divergence(self, loser: Address) -> Divergence | None:
        """What a loser shares with the keeper; ``None`` where there is none of the one or the other."""
        return next((one for one in self.divergences if {one.first, one.second} == {loser, self.keeper}), None)


def split_brain(facts: Facts) -> Iterator[Finding]:
    """Two nodes are master at once, one of which may be an old master that has just come back.

    Two processes (by run id) answer as masters; or one does, and one that does not answer us is seen as master by a
    Sentinel, or is followed by a replica. The true one is whom the Sentinels agree on. Undetermined where nobody does,
    or where only others take writes now: between two looks, by what their clients sent a moment ago, because the
    write Service or the application's setting leads there, or where none of these tells, by having clients. Likely
    where one of the two did not answer us, a Sentinel, a node or Kubernetes is silent, or clients could not be asked.
    The number of keys and the offsets past the fork decide nothing. Nothing is said while a Sentinel fails over and
    the roles are undecided: there the promoted one is master beside whom they still name, and is right; nor of a
    cluster, whose masters are many, whatever kind the settings call it; nor of the masters of two deployments, whose
    Sentinels know nobody of each other and which share no history.
    """
    found = sides(facts)
    if found is None:
        return
    yield Finding(
        FindingId.SPLIT_BRAIN,
        Severity.CRITICAL,
        found.confidence,
        found.why,
        tuple(sorted(found.masters)),
        (*_evidence(facts, found), *(one.evidence for one in hidden_masters(facts)), *_against(facts, found)),
        (*_repairs(facts, found), f"diagnose {facts.snapshot.target} --compare", *facts.lines("events")),
    )


def _repairs(facts: Facts, found: Sides) -> tuple[str, ...]:
    """The action lines that mend it and have a plan: where nothing decides, one for each side that could be kept."""
    return repair_lines(facts, *_keeps(facts, found))


def repair_lines(facts: Facts, *keeps: Address | None) -> tuple[str, ...]:
    """The action lines of a repair that have a plan, for whomever one could ask to keep; ``None``: nobody is named."""
    (line,) = facts.lines("repair")
    can = [keep for keep in keeps if not _why_not(facts, keep)]
    return tuple(line if keep is None else f"{line} --keep {keep}" for keep in can)


def _against(facts: Facts, found: Sides) -> Iterator[Evidence]:
    """Why no side can be kept by a repair now."""
    first, *others = (_why_not(facts, keep) for keep in _keeps(facts, found))
    if first and all(others):
        yield from (Evidence(f"repair {facts.snapshot.target}", reason) for reason in first)


def _why_not(facts: Facts, keep: Address | None) -> tuple[str, ...]:
    from actions.kit.repair.refusals import why_not  # noqa: PLC0415 -- It is made from the sides that are told here.

    return why_not(facts.snapshot, keep)


def _keeps(facts: Facts, found: Sides) -> tuple[Address | None, ...]:
    """Whom a person could ask to keep; ``None``: nobody has to be named."""
    if found.keeper is not None:
        return (None,)
    return (found.named,) if found.named else tuple(node.address for node in facts.masters[:IN_PAIRS])


def sides(facts: Facts) -> Sides | None:
    """The masters at once, and which of them is kept; ``None`` where there are not two."""
    if facts.roles_undecided or facts.in_cluster or facts.is_unnoticed_cluster:
        return None
    hidden = hidden_masters(facts)
    nodes = (*facts.masters, *(one.node for one in hidden))
    if len(nodes) < 2 or not facts.masters or _of_two_deployments(facts, nodes):
        return None
    named = next((node for node in nodes if facts.has_sentinels and node.address == facts.agreed), None)
    writing = writers(facts)
    disputed = named is not None and named.is_master and bool(writing.now) and named.address not in writing.now
    view = facts.snapshot.kubernetes
    told = view is None or not (view.unasked or view.gaps)  # Else where the application writes is not known.
    complete = told and not hidden and facts.all_voters_answered and all(node.info for node in facts.snapshot.nodes)
    complete = complete and writing.all_told
    keeper = None if named is None or disputed else named.address
    losers = tuple(node.address for node in nodes if node.address != keeper)
    return Sides(
        named=named.address if named else None,
        keeper=keeper,
        losers=losers,
        confidence=confident(complete=complete, conflict=keeper is None),
        why=_why(facts, named, losers, writing, disputed=disputed),
        hidden=tuple(one.node.address for one in hidden),
        writers=writing,
        divergences=_divergences(facts, nodes, keeper),
    )


def _of_two_deployments(facts: Facts, nodes: Sequence[NodeView]) -> bool:
    if not {node.address for node in nodes} <= deployments(facts).keys():
        return False
    return not any(divergence(*pair, births(facts.snapshot.nodes)).provable for pair in combinations(nodes, 2))


def _divergences(facts: Facts, nodes: Sequence[NodeView], keeper: Address | None) -> tuple[Divergence, ...]:
    ordered = sorted(nodes, key=lambda node: node.address != keeper)
    pairs = combinations(ordered, 2) if len(nodes) <= IN_PAIRS else ((ordered[0], other) for other in ordered[1:])
    born = births(facts.snapshot.nodes)
    return tuple(divergence(first, second, born) for first, second in pairs)


def _why(facts: Facts, named: NodeView | None, losers: Sequence[Address], writing: Writers, *, disputed: bool) -> str:
    if facts.group is not None:
        settles = "AWS is in charge, and has to settle which is the true one."
        return f"Split brain: {_names(losers)} are masters at once. {settles}{_who_writes(writing, losers)}"
    if named is None:
        nobody = "no majority of Sentinels says" if facts.has_sentinels else "nobody is in charge to say"
        said = f"Split brain: {_names(losers)} are masters at once, and {nobody} which is the true one."
        return f"{said}{_who_writes(writing, losers)}"
    if disputed:
        only = "; ".join(f"{address} {writing.words(address)}" for address in writing.now)
        return f"Split brain: the Sentinels name {named.address}, but only {only}. A person has to decide."
    true = f"Split brain: {named.address} is the true master, as the Sentinels say"
    if set(losers) & {*writing.took, *writing.written_to} - set(writing.took_none):
        return f"{true}; {_names(losers)} takes writes that will be lost."
    if set(losers) & set(writing.led):
        return f"{true}; the application is led to write to {_names(losers)}, which will be lost."
    none = "; it took none between two looks" if set(losers) <= set(writing.took_none) else ""
    return f"{true}; {_names(losers)} may have taken writes that will be lost{none}."


def _who_writes(writing: Writers, masters: Sequence[Address]) -> str:
    """Who takes writes now: a help for whoever decides, and no proof of who is right."""
    said = ""
    if writing.took:
        said = f" {_names(writing.took)} took writes between two looks."
    elif writing.written_to and not writing.took_none:
        said = f" {_names(writing.written_to)} was sent writes a moment ago."
    elif set(masters) <= set(writing.took_none):
        said = " None of them took writes between two looks."
    return said + (f" The application is led to write to {_names(writing.led)}." if writing.led else "")


def _names(addresses: Sequence[Address]) -> str:
    return " and ".join(map(str, addresses))


def _evidence(facts: Facts, found: Sides) -> Iterator[Evidence]:
    for node in facts.masters:
        yield of_node(node, _role_text(node))
    for one in found.divergences:
        yield Evidence(f"lineage of {one.first} and {one.second}", one.words)
    yield from evidence(facts)
    for view, master in facts.opinions:
        yield of_sentinel(view, f"names {master.address}, config-epoch {master.config_epoch}")
    for node in facts.masters:
        if node.keys is not None:
            yield of_node(node, f"holds {count(node.keys, 'key')}, which decides nothing")
    for unasked in facts.snapshot.unasked:
        yield no_answer(unasked)


def _role_text(node: NodeView) -> str:
    info = node.info
    if info is None:
        return "no answer"
    return (
        f"role master, up for {info.uptime_s} s, {count(len(info.replicas), 'replica')}, offset {info.offset:,}, "
        f"replid {info.replid[:12]}"
    )
