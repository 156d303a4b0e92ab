"""Puts the questions to one node or one Sentinel, and keeps what was answered beside what was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple, TypeVar

from actions.adapters.redis.connection import Answer, CommandFailed, ExchangeError, Node, Reply, Request
from actions.adapters.redis.deadline import Deadline
from actions.adapters.redis.failures import one_line
from actions.kit import closer_replies, node_info, replies, sentinel_replies
from actions.kit.clients import parse_clients
from actions.kit.closer import Closer, SlowCommand
from actions.kit.cluster.replies import parse_cluster
from actions.kit.errors import Garbled
from actions.kit.node_reader import NodeReader
from actions.kit.snapshot import MonitoredMaster, NodeConfig, NodeInfo, NodeView, Reason, SentinelView, Unasked
from actions.kit.topology import Address

T = TypeVar("T")
Replies = list[Reply]

_SECTIONS = ("server", "clients", "memory", "persistence", "stats", "replication", "errorstats", "cluster", "keyspace")
"""Those of INFO that are read: all of them take a server a sixth longer."""
_SETTINGS = (
    *("min-replicas-to-write", "min-replicas-max-lag", "replica-priority"),
    *("save", "stop-writes-on-bgsave-error"),
)
"""Asked by their names: for a pattern the server goes through all of its settings."""
_TO_FOLLOW = ("masterauth", "masteruser", "tls-replication")
"""What a master needs to be a replica later."""
_IN_CHARGE = ("PUBSUB", "NUMSUB", "__sentinel__:hello")
"""How many Sentinels watch it: each one subscribes to this channel on every node that it watches."""
_WHEN_DOWN = ("cluster-node-timeout", "cluster-require-full-coverage")
"""When a cluster acts on a lost master, and what stops until then."""
_OF_CLUSTER = (("CLUSTER", "INFO"), ("CLUSTER", "NODES"))
ACL, SLOWLOG = "ACL", "SLOWLOG"
_LAST_SLOW = (SLOWLOG, "GET", 1)
_LOGS = ((ACL, "LOG", 16), (SLOWLOG, "GET", 32))
"""Asked where the ACL allows it: what they tell is not in INFO, and nothing else rests on it."""
_ABOUT_MASTER = ("GET-MASTER-ADDR-BY-NAME", "MASTER", "REPLICAS", "SENTINELS", "CKQUORUM")


class NodeQuestions:
    """Looks at one data node again and again, and remembers how it answers.

    Where roles may be moved by hand it is also asked how many Sentinels watch it, and its keys are counted. Where it
    is to be a node of a cluster, or may be (``None``), it is asked how it sees that. Where there is no CONFIG, as
    with AWS, it is not asked for its settings.
    """

    def __init__(
        self, node: Node, *, by_hand: bool = False, in_cluster: bool | None = False, has_config: bool = True
    ) -> None:
        self.node = node
        self._by_hand, self._in_cluster, self._has_config = by_hand, in_cluster, has_config
        self.known_from: tuple[str, ...] = ()
        """Who named the node when it was last looked at; its next view says so until the look knows."""
        self._reader = NodeReader()
        self._before: _Quiet | None = None
        self._at_once = False
        self._refused: frozenset[str] = frozenset()
        self._request = self._asking()

    async def ask(self, deadline: Deadline | None = None) -> NodeView:
        """Look in one round trip; never raises for what it does not answer."""
        view = None
        while view is None:
            try:
                view = self._view(await self.node.put(self._request, repeatable=True, deadline=deadline))
            except ExchangeError as error:
                view = self._silent(error)
        return view

    def begin(self, deadline: Deadline) -> Answer | None:
        """As ``Node.begin``; give the answer to ``end``."""
        return self.node.begin(self._request, deadline)

    def end(self, answer: Answer) -> NodeView | None:
        """What it answered; ``None`` where it has to be asked again, by ``ask``."""
        try:
            return self._view(self.node.end(answer))
        except ExchangeError as error:
            return None if error.reason is Reason.CLOSED else self._silent(error)

    def _silent(self, error: ExchangeError) -> NodeView:
        return NodeView(self.node.address, Unasked(self.node.name, error.reason, error.failure.text))

    def _view(self, answers: Replies) -> NodeView | None:
        """What it answered; ``None`` where an older server has taken its place, and is to be asked one by one."""
        node, (info, role, slow, *rest) = self.node, answers
        asked = _Asked(node.name)
        read = asked.read("INFO", self._reader.read, info)
        if read is None:
            if self._at_once and asked.gaps[0].reason is Reason.REFUSED_COMMAND:
                self._at_once = False
                self._request = self._asking()
                return None
            return NodeView(node.address, asked.gaps[0])
        if read.unattached:
            asked.garbled("INFO", read.unattached)
        self._at_once = _takes_several_names(read.info)
        self._request = self._asking()
        if len(answers) < self._request.replies:
            return None
        is_one = self._in_cluster is None and read.info.cluster_enabled
        in_charge = rest.pop() if self._by_hand else None
        of_cluster = (rest.pop(-2), rest.pop()) if self._in_cluster is not False else ()
        offset = asked.read("ROLE", replies.parse_role_offset, role)
        quiet = self._quiet(asked, [slow, in_charge, *rest])
        return NodeView(
            node.address,
            info=read.info,
            role_offset=offset,
            config=quiet.config,
            normal_clients=node_info.normal_clients(read.info, read.subscribers),
            last_slow=quiet.last_slow,
            watching_sentinels=quiet.watching,
            keys=asked.read("INFO", node_info.parse_keys, info) if self._by_hand else None,
            cluster=asked.read("CLUSTER", parse_cluster, *of_cluster) if self._in_cluster or is_one else None,
            gaps=tuple(asked.gaps),
            known_from=self.known_from,
        )

    def _quiet(self, asked: _Asked, answers: Replies) -> _Quiet:
        """What is answered alike look after look is read again where it is not. Whatever was no answer is read anew."""
        if self._before is not None and self._before.answers == answers:
            return self._before
        gaps, (slow, in_charge, *settings) = len(asked.gaps), answers
        quiet = _Quiet(
            answers,
            asked.read("CONFIG GET", replies.parse_config, *settings) if self._has_config else None,
            asked.read("PUBSUB NUMSUB", replies.parse_watching_sentinels, in_charge) if self._by_hand else None,
            self._last_slow(slow),
        )
        self._before = quiet if len(asked.gaps) == gaps and not isinstance(slow, CommandFailed) else None
        return quiet

    async def ask_closer(self, deadline: Deadline) -> Closer | None:
        """What is asked only where something is amiss; ``None`` where it gave no answer. Never raises."""
        names = closer_replies.SETTINGS if self._has_config else ()
        settings = [("CONFIG", "GET", *some) for some in _grouped(names, at_once=self._at_once)]
        logs = [log for log in _LOGS if log[0] not in self._refused]
        try:
            answers = await self.node.put(Request.of(*settings, *logs), repeatable=True, deadline=deadline)
        except ExchangeError:
            return None
        told, others = answers[: len(settings)], answers[len(settings) :]
        closer = _Asked("").read("", closer_replies.parse_settings, *told) or Closer()
        said = {log[0]: answer for log, answer in zip(logs, others, strict=True)}
        return replace(
            closer,
            refused=self._if_allowed(ACL, closer_replies.parse_acl_log, said.get(ACL)) or (),
            slow=self._if_allowed(SLOWLOG, closer_replies.parse_slowlog, said.get(SLOWLOG)) or (),
        )

    async def ask_clients(self, view: NodeView) -> NodeView:
        """The same with who uses it; never raises."""
        asked = _Asked(self.node.name)
        try:
            answers = await self.node.ask(("CLIENT", "LIST", "TYPE", "normal"), repeatable=True)
        except ExchangeError as error:
            answers = [error.failure]
        clients = asked.read("CLIENT LIST", parse_clients, *answers)
        return replace(view, clients=clients, gaps=(*view.gaps, *asked.gaps))

    def _last_slow(self, answer: Reply) -> SlowCommand | None:
        return next(iter(self._if_allowed(SLOWLOG, closer_replies.parse_slowlog, answer) or ()), None)

    def _if_allowed(self, name: str, parse: Callable[..., T], answer: Reply) -> T | None:
        """What a log says. One that is refused is not asked for again: the server logs each refusal."""
        if isinstance(answer, CommandFailed):
            if answer.reason in {Reason.NOPERM, Reason.REFUSED_COMMAND}:
                self._refused |= {name}
                self._request = self._asking()
            return None
        return None if answer is None else _Asked("").read("", parse, answer)

    def _asking(self) -> Request:
        return _request(
            at_once=self._at_once,
            by_hand=self._by_hand,
            in_cluster=self._in_cluster is not False,
            has_config=self._has_config,
            slow=SLOWLOG not in self._refused,
        )


class _Quiet(NamedTuple):
    """What a node answered beside INFO and ROLE, and how it was read."""

    answers: Replies
    config: NodeConfig | None
    watching: int | None
    last_slow: SlowCommand | None


@cache
def _request(*, at_once: bool, by_hand: bool, in_cluster: bool, has_config: bool, slow: bool) -> Request:
    """What is asked of a data node; ``at_once``: it takes several sections of INFO, and names of settings."""
    more = (*(_TO_FOLLOW if by_hand else ()), *(_WHEN_DOWN if in_cluster else ()))
    asked = (*_SETTINGS, *more) if has_config else ()
    settings = (("CONFIG", "GET", *some) for some in _grouped(asked, at_once=at_once))
    others = (*(_OF_CLUSTER if in_cluster else ()), *((_IN_CHARGE,) if by_hand else ()))
    # Each answer keeps its place: there may be one under way to the question as it was before.
    info = ("INFO", *(_SECTIONS if at_once else ()))
    return Request.of(info, ("ROLE",), _LAST_SLOW if slow else ("PING",), *settings, *others)


def _grouped(names: tuple[str, ...], *, at_once: bool) -> tuple[tuple[str, ...], ...]:
    """The names as CONFIG GET takes them: all, or one by one."""
    return (names,) if at_once and names else tuple((name,) for name in names)


def _takes_several_names(info: NodeInfo) -> bool:
    """CONFIG GET does since Redis 7.0, and in every Valkey."""
    return info.flavour == "valkey" or info.version >= (7,)


async def ask_sentinel(sentinel: Node, master_name: str) -> SentinelView:
    """Look at one Sentinel; never raises for what it does not answer."""
    questions = [("SENTINEL", word, master_name) for word in _ABOUT_MASTER]
    try:
        info, my_id, *about = await sentinel.ask(("INFO",), ("SENTINEL", "MYID"), *questions, repeatable=True)
        names = await _names(sentinel) if about[0] is None else ()
    except ExchangeError as error:
        return SentinelView(sentinel.address, Unasked(sentinel.name, error.reason, error.failure.text))
    asked = _Asked(sentinel.name)
    view = _itself(asked, SentinelView(sentinel.address, knows=names), info, my_id)
    if view.unasked is None:
        view = _about_master(asked, view, about, master_name)
    return replace(view, gaps=tuple(gap for gap in asked.gaps if gap != view.unasked))


class _Asked:
    """Reads the answers of one server, and gathers those that were none."""

    def __init__(self, who: str) -> None:
        self._who = who
        self.gaps: list[Unasked] = []

    def read(self, question: str, parse: Callable[..., T], *answers: Reply) -> T | None:
        """What the answers say; ``None`` and a gap where one was refused or garbled."""
        for answer in answers:
            if isinstance(answer, CommandFailed):
                self._gap(question, answer)
                return None
        try:
            return parse(*answers)
        except Garbled as error:
            self.garbled(question, str(error))
            return None

    def garbled(self, question: str, why: str) -> None:
        """An answer that was not all that it should be."""
        self._gap(question, CommandFailed(Reason.GARBAGE, one_line(why)))

    def _gap(self, question: str, failure: CommandFailed) -> None:
        self.gaps.append(Unasked(f"{self._who} {question}", failure.reason, failure.text))


async def _names(sentinel: Node) -> tuple[str, ...]:
    """What this Sentinel monitors; nothing where it does not tell."""
    (answer,) = await sentinel.ask(("SENTINEL", "MASTERS"), repeatable=True)
    return _Asked("").read("", sentinel_replies.parse_names, answer) or ()


def _itself(asked: _Asked, view: SentinelView, info: Reply, my_id: Reply) -> SentinelView:
    """Add what the Sentinel says about itself. A refused INFO is a gap; one that is no Sentinel's ends it."""
    itself = asked.read("INFO", sentinel_replies.parse_sentinel_info, info)
    if itself is None:
        wrong = asked.gaps[0].reason is Reason.GARBAGE
        return replace(view, unasked=asked.gaps[0]) if wrong else view
    run_id = asked.read("SENTINEL MYID", replies.parse_word, my_id) or ""
    return replace(view, flavour=itself.flavour, version=itself.version, tilt=itself.tilt, run_id=run_id)


def _about_master(asked: _Asked, view: SentinelView, about: Replies, master_name: str) -> SentinelView:
    """Add what the Sentinel says about the master. Without an address or SENTINEL MASTER it has not said who it is."""
    named, master, replicas, peers, quorum = about
    if named is None:
        named = CommandFailed(Reason.UNKNOWN_MASTER, f"it does not know a master named {one_line(master_name)}")
    gaps = len(asked.gaps)
    address = asked.read("SENTINEL GET-MASTER-ADDR-BY-NAME", sentinel_replies.parse_named_master, named)
    seen = None if address is None else _seen(asked, address, master, replicas, peers)
    if seen is None:
        return replace(view, unasked=asked.gaps[gaps])
    ok, text = _quorum(asked, quorum)
    return replace(view, master=seen, quorum_ok=ok, quorum_text=text)


def _seen(asked: _Asked, address: Address, master: Reply, replicas: Reply, peers: Reply) -> MonitoredMaster | None:
    seen = asked.read("SENTINEL MASTER", sentinel_replies.parse_master, address, master)
    if seen is None:
        return None
    known = asked.read("SENTINEL REPLICAS", sentinel_replies.parse_replicas, replicas) or ()
    others = asked.read("SENTINEL SENTINELS", sentinel_replies.parse_peers, peers) or ()
    return replace(
        seen,
        replicas=known,
        peers=tuple(peer for peer, _ in others),
        peers_down=tuple(peer for peer, down in others if down),
    )


def _quorum(asked: _Asked, answer: Reply) -> tuple[bool | None, str]:
    """CKQUORUM's verdict and words."""
    if isinstance(answer, CommandFailed) and answer.text.startswith("NOQUORUM"):
        return False, answer.text
    text = asked.read("SENTINEL CKQUORUM", replies.parse_word, answer)
    return (None, "") if text is None else (True, one_line(text))
