"""Why a replica does not get its link to the master: what proves a reason, or only points to one. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.kit.closer import Refused
from actions.kit.diagnosis.about import counts, grown, mib
from actions.kit.diagnosis.cause import Cause
from actions.kit.diagnosis.facts import Facts, count, no_answer, of_node
from actions.kit.diagnosis.lineage import divergence
from actions.kit.diagnosis.resyncs import begun_again
from actions.kit.findings import Evidence
from actions.kit.holding import HELD
from actions.kit.snapshot import Link, NodeView, Reason

LATELY_S = 60
"""A refusal so long ago is over: a replica tries again every second."""
HANDSHAKE = frozenset({"psync", "sync", "replconf", "ping"})
"""What a replica asks its master before it gets anything."""

Check = Callable[[Facts, NodeView, NodeView, Link], Iterator[Cause]]
"""Of a replica, whom it follows, and its link."""


def cause_of(facts: Facts, node: NodeView, link: Link) -> Cause | None:
    """The first cause that is proven, else the first that something points to; ``None`` where nothing does."""
    followed = facts.nodes.get(link.master)
    if followed is None:
        return None
    causes = [cause for check in _CHECKS for cause in check(facts, node, followed, link)]
    return next((cause for cause in causes if cause.proven), next(iter(causes), None))


def refused_sync(facts: Facts, node: NodeView, link: Link) -> Cause | None:
    """Why a full sync of which a replica speaks is none: who should send it has it not, and something tells why.

    One that may not PSYNC tries SYNC, and takes itself to be in one until that is refused too.
    """
    followed = facts.nodes.get(link.master)
    if not link.sync_in_progress or followed is None or followed.info is None:
        return None
    if node.address in {facts.known_as(one.address) for one in followed.info.replicas}:
        return None
    return cause_of(facts, node, link)


def stale(facts: Facts, node: NodeView) -> str:
    """What a replica without its link does to its readers, where its settings or its counters say so."""
    refused = grown(facts, node, lambda info: info.errors.masterdown)
    if refused is None and (node.closer is None or node.closer.serves_stale is not False):
        return ""
    just = f", as it has {count(refused.change, 'time')} between two looks" if refused else ""
    return f"; until then it answers MASTERDOWN to whoever reads (replica-serve-stale-data no){just}"


def other_history(node: NodeView, master: NodeView) -> Iterator[Evidence]:
    """What the next full sync throws away."""
    if _are_apart(node, master):
        yield Evidence(f"lineage of {node.address} and {master.address}", divergence(node, master).words)
        for one in (node, master):
            if one.keys is not None:
                yield of_node(one, f"holds {count(one.keys, 'key')}")


def alone_has(node: NodeView, master: NodeView) -> str:
    """A master that came back with nothing: its replicas have the only copy until they reach it."""
    if master.keys != 0 or not node.keys or not _are_apart(node, master):
        return ""
    return (
        f" It holds {count(node.keys, 'key')}, and the master none: once it reaches the master a full sync throws them "
        "away. If the master has lost its data, copy them first."
    )


def _are_apart(node: NodeView, master: NodeView) -> bool:
    return node.info is not None and master.info is not None and node.info.replid != master.info.replid


def _nobody_there(_facts: Facts, _node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    """As we see it from here: the replica may see somebody else by that address."""
    gone = followed.unasked
    if gone is not None and gone.reason in {Reason.REFUSED, Reason.UNRESOLVED}:
        words = "nothing listens there" if gone.reason is Reason.REFUSED else "that name has no address"
        yield Cause(words, (no_answer(gone),))


def _chained(_facts: Facts, _node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    own = followed.info.link if followed.info else None
    if own is not None and not own.up:
        said = of_node(followed, f"replica of {own.master}, link down")
        yield Cause(f"{followed.address}, which it follows, is a replica without a link itself", (said,), proven=True)


def _tls(_facts: Facts, node: NodeView, followed: NodeView, link: Link) -> Iterator[Cause]:
    """By the settings of both: which port speaks TLS, and whether the replica does."""
    speaks, there = node.config.tls_replication if node.config else None, followed.closer
    if speaks is None or there is None or there.port == there.tls_port:
        return
    said = Evidence(f"node {followed.address} CONFIG GET", f"port {there.port}, tls-port {there.tls_port}")
    own = Evidence(f"node {node.address} CONFIG GET", f"tls-replication {'yes' if speaks else 'no'}")
    if there.tls_port == link.master.port and not speaks:
        yield Cause(
            "it speaks no TLS and the master's port only TLS: set tls-replication yes", (own, said), proven=True
        )
    elif there.port == link.master.port and speaks:
        yield Cause("it speaks TLS and the master's port none: point it at the TLS port", (own, said), proven=True)


def _held_back(_facts: Facts, node: NodeView, _followed: NodeView, _link: Link) -> Iterator[Cause]:
    """By its own settings: a repair of a split brain was not finished."""
    if node.config is not None and node.config.held:
        said = Evidence(f"node {node.address} CONFIG GET", f"its login at the master is {HELD}")
        words = "Tandem holds its data back from the sync, which would throw away what only it has"
        yield Cause(words, (said,), proven=True)


def _no_password(_facts: Facts, node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    there = followed.closer
    if node.config is None or node.config.masterauth is not False or there is None or not there.has_password:
        return
    said = Evidence(f"node {followed.address} CONFIG GET", "requirepass is set")
    own = Evidence(f"node {node.address} CONFIG GET", "masterauth is not set")
    yield Cause("it has no masterauth, and the master asks for a password", (own, said), proven=True)


def _shut_out(facts: Facts, node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    """By the master's ACL LOG: somebody was refused lately what only a replica asks for, or for a password.

    From the replica's host, or from one that is nobody's: behind a proxy or NAT all have another. The default user may
    nearly always replicate, so a replica without a masteruser is not the one that may not.
    """
    hosts = {node.address.host, *(one.host for one in node.also)}
    others = {address.host for address in facts.nodes if address != node.address}
    has_user = node.closer is None or node.closer.has_master_user is not False
    for one in followed.closer.refused if followed.closer else ():
        near = one.host in hosts - others
        if one.age_s > LATELY_S or one.host in others - hosts:
            continue
        said = Evidence(f"node {followed.address} ACL LOG", _refusal(one))
        if one.why == "command" and one.command.partition("|")[0] in HANDSHAKE and (near or has_user):
            words = "its masteruser may not replicate: ACL SETUSER … +psync +replconf +ping on the master"
            yield Cause(words, (said,), proven=near)
        elif one.why == "auth":
            yield Cause("the master refuses its password: set masterauth and masteruser right", (said,))


def _refusal(one: Refused) -> str:
    return f"{one.why} {one.command} refused {one.times:,} times to {one.host}, {one.age_s:.0f} s ago"


def _errors(facts: Facts, _node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    """By what the master answered between two looks, to whomever; a replica tries again every second.

    NOPERM is not among them: what we may not ask ourselves counts there too.
    """
    for code, refused in (
        ("NOAUTH", grown(facts, followed, lambda info: info.errors.noauth)),
        ("WRONGPASS", grown(facts, followed, lambda info: info.errors.wrongpass)),
    ):
        if refused is not None:
            words = f"the master refuses it ({code}): look at masterauth and masteruser"
            yield Cause(words, (counts(followed, f"errorstat_{code}", refused),))


def _protected(_facts: Facts, node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    there = followed.closer
    if there is None or there.protected_mode is not True or there.has_password is not False:
        return
    if not node.address.host.startswith("127.") and node.address.host != followed.address.host:
        said = Evidence(f"node {followed.address} CONFIG GET", "protected-mode yes, requirepass is not set")
        words = "the master's protected mode lets nobody in from another machine: set a password there, and masterauth"
        yield Cause(words, (said,))


def _dump(_facts: Facts, _node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    there = followed.closer
    if followed.info is not None and followed.info.last_bgsave_ok is False and there and there.diskless is False:
        said = of_node(followed, "rdb_last_bgsave_status:err")
        yield Cause(
            "the master cannot write the dump for its full sync: mend its disk, or set repl-diskless-sync", (said,)
        )


def _buffer(_facts: Facts, _node: NodeView, followed: NodeView, _link: Link) -> Iterator[Cause]:
    """The largest output buffer of late came near the limit at which the master cuts a replica off."""
    limit = followed.closer.replica_buffer if followed.closer else None
    longest = followed.info.stats.longest_output_bytes if followed.info else None
    if limit and longest is not None and longest * 2 >= limit:
        said = of_node(followed, f"client_recent_max_output_buffer {longest:,} of {limit:,}")
        yield Cause(f"the master cuts it off at {mib(limit)}: raise client-output-buffer-limit replica", (said,))


def _again(facts: Facts, node: NodeView, _followed: NodeView, link: Link) -> Iterator[Cause]:
    again = begun_again(facts, node, link)
    if again is not None:
        yield again


_CHECKS: tuple[Check, ...] = (
    _held_back,
    _nobody_there,
    _chained,
    _tls,
    _no_password,
    _shut_out,
    _errors,
    _protected,
    _dump,
    _again,
    _buffer,
)
"""From what the settings prove to what only points somewhere."""
