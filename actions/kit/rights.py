"""Which rights Tandem needs at a server, what each is for, and how one is tried without effect. No I/O here.

Each is tried by a command that cannot do anything even where it is let in: its arguments are wrong, or it is about
what does not exist. A server looks at the rights before it looks at the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from actions.kit.topology import Kind

NOBODY = "tandem:probe:nobody"
"""A name that no master, no key and no setting has."""


@dataclass(frozen=True, slots=True)
class Right:
    """One right as ACL rules name it, what it is for, and the command that tries it."""

    name: str
    purpose: str
    command: tuple[str, ...]


_LOOK, _FENCE, _PROBE, _RECALL = "look", "hold writes back", "prove that writes arrive", "call back what got no answer"
_HAND_OVER = "hand over"

OF_NODE = (
    Right("info", _LOOK, ("INFO", "server")),
    Right("role", _LOOK, ("ROLE",)),
    Right("config|get", _LOOK, ("CONFIG", "GET", NOBODY)),
    Right("client|list", _RECALL, ("CLIENT", "LIST", "TYPE", NOBODY)),
    Right("client|setname", _RECALL, ("CLIENT", "SETNAME", "not a name")),
    Right("client|kill", _HAND_OVER, ("CLIENT", "KILL", "ID", "none")),
    Right("client|pause", _FENCE, ("CLIENT", "PAUSE", "none", "WRITE")),
    Right("config|set", _FENCE, ("CONFIG", "SET", NOBODY, "0")),
    Right("exec", _FENCE, ("EXEC",)),
    Right("replicaof", _HAND_OVER, ("REPLICAOF", NOBODY, "none")),
    Right("set", _PROBE, ("SET", NOBODY, "0", "NONE")),
    Right("get", _PROBE, ("GET", NOBODY)),
    Right("del", _PROBE, ("DEL", NOBODY)),
    Right("wait", _PROBE, ("WAIT", "none", "0")),
)
WITHOUT_SENTINEL = (Right("pubsub|numsub", "see that no Sentinel is in charge", ("PUBSUB", "NUMSUB")),)
OF_CLUSTER_NODE = (
    Right("cluster|info", _LOOK, ("CLUSTER", "INFO")),
    Right("cluster|nodes", _LOOK, ("CLUSTER", "NODES")),
    Right("cluster|failover", _HAND_OVER, ("CLUSTER", "FAILOVER", "NONE")),
    Right("readonly", _PROBE, ("READONLY",)),
)
OF_SENTINEL = (
    Right("info", _LOOK, ("INFO", "server")),
    Right("sentinel|master", _LOOK, ("SENTINEL", "MASTER", NOBODY)),
    Right("sentinel|replicas", _LOOK, ("SENTINEL", "REPLICAS", NOBODY)),
    Right("sentinel|sentinels", _LOOK, ("SENTINEL", "SENTINELS", NOBODY)),
    Right("sentinel|ckquorum", _LOOK, ("SENTINEL", "CKQUORUM", NOBODY)),
    Right("sentinel|failover", _HAND_OVER, ("SENTINEL", "FAILOVER", NOBODY)),
    Right("sentinel|set", "stop a failover that did not promote", ("SENTINEL", "SET", NOBODY, "quorum", "1")),
    Right("publish", "tell it of a new master", ("PUBLISH", "__sentinel__:hello", "")),
    Right("client|kill", _RECALL, ("CLIENT", "KILL", "ID", "none")),
)
NEVER_USED = (
    Right("acl|setuser", "", ("ACL", "SETUSER", NOBODY, "none")),
    Right("module|list", "", ("MODULE", "LIST")),
    Right("randomkey", "", ("RANDOMKEY",)),
)
"""What Tandem has no use for at a data node: whoever gets hold of its password could do what these stand for."""
_OF_AWS = frozenset({"info", "role", "set", "get", "del", "wait"})
"""At a node that AWS keeps, which has no CONFIG and no REPLICAOF for anybody else."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a server lets this user do. ``unknown``: commands that this server does not have."""

    missing: tuple[Right, ...] = ()
    too_many: tuple[Right, ...] = ()
    unknown: tuple[Right, ...] = ()


class Tried(StrEnum):
    """What became of a command that tries a right."""

    LET_IN = "let in"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def needed(kind: Kind, *, sentinel: bool) -> tuple[Right, ...]:
    """The rights that a target of this kind takes, at one of its nodes or Sentinels."""
    if sentinel:
        return OF_SENTINEL
    if kind is Kind.CLUSTER:
        return (*(one for one in OF_NODE if one.name != "replicaof"), *OF_CLUSTER_NODE)
    if kind is Kind.ELASTICACHE:
        return tuple(one for one in OF_NODE if one.name in _OF_AWS)
    return (*OF_NODE, *WITHOUT_SENTINEL)


def judged(wanted: Sequence[tuple[Right, Tried]], unwanted: Sequence[tuple[Right, Tried]]) -> Rights:
    """What is missing of the one, and what there is of the other."""
    return Rights(
        missing=tuple(right for right, tried in wanted if tried is Tried.REFUSED),
        too_many=tuple(right for right, tried in unwanted if tried is Tried.LET_IN),
        unknown=tuple(right for right, tried in wanted if tried is Tried.UNKNOWN),
    )
