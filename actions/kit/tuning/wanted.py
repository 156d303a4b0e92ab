"""What somebody wants to have set: the settings there are, and their values as a server prints them. No I/O here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from actions.kit.action import Option, Options
from actions.kit.errors import UsageError
from actions.kit.topology import Address
from actions.kit.tuning.sizes import parse_size, spelled_size

MEMORY, POLICY, BACKLOG, BUFFERS = (
    *("maxmemory", "maxmemory-policy"),
    *("repl-backlog-size", "client-output-buffer-limit"),
)
NO_EVICTION = "noeviction"
POLICIES = (
    NO_EVICTION,
    *("allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
)
SETTINGS = (
    Option(MEMORY, "SIZE", "How much a node may hold, such as 4gb; 0 is no limit."),
    Option(POLICY, "POLICY", f"What it evicts then: {', '.join(POLICIES)}."),
    Option(BACKLOG, "SIZE", "For how much a replica may be cut off without a full sync, such as 128mb."),
    Option(
        BUFFERS,
        '"CLASS HARD SOFT SECONDS"',
        'When a slow client is cut off, such as "replica 512mb 128mb 60"; classes: normal, replica, pubsub.',
    ),
)
NAMES = tuple(one.name for one in SETTINGS)
LEAST_BACKLOG = 16 * 2**10
"""A server makes as much of anything smaller."""
LEAST_NORMAL = 2**20
"""Tandem is a normal client too, and an INFO of some 10 kB is enough to be cut off for."""

Limit = tuple[int, int, int]
"""Hard and soft limit in bytes, and for how many seconds the soft one may be passed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One setting. ``nodes``: of these alone; none: of all.

    ``value`` is as a server prints it; of buffer limits only the classes that are meant.
    """

    name: str
    value: str
    nodes: tuple[Address, ...] = ()

    def on(self, now: str) -> str:
        """What a node that has ``now`` is to have, as it will print it itself."""
        if self.name != BUFFERS:
            return self.value
        wanted = parse_limits(self.value)
        # Servers print slave; what an administrator calls the class is the same to all of them.
        return limits_text({name: wanted.get(_class(name), limit) for name, limit in parse_limits(now).items()})


def read(options: Options) -> tuple[Wanted, ...]:
    """What is wanted, in the order in which it was said.

    Args:
        options: by the name of the setting, or ``NAME@HOST:PORT,…`` for some nodes alone.

    Raises:
        UsageError: a setting is not known, or its value is none; says what there is.
    """
    return tuple(_wanted(name, text) for name, text in options.items())


def shown(name: str, value: str) -> str:
    """A value for a person: ``4gb``, ``0 (no limit)``, ``replica 512mb 128mb 60``."""
    if name == BUFFERS:
        limits = parse_limits(value).items()
        return " ".join(
            f"{_class(one)} {spelled_size(hard)} {spelled_size(soft)} {s}" for one, (hard, soft, s) in limits
        )
    if name == POLICY or not value.isdecimal():
        return value
    return "0 (no limit)" if name == MEMORY and value == "0" else spelled_size(int(value))


def said(name: str, old: str, new: str) -> str:
    """A change for a person: ``maxmemory 1gb to 4gb``; of buffer limits only the classes that differ."""
    if name == BUFFERS:
        old, new = differing_classes(old, new)
    return f"{name} {shown(name, old)} to {shown(name, new)}"


def parse_limits(text: str) -> Mapping[str, Limit]:
    """Buffer limits by their class, as a server prints them."""
    words = text.split()
    parts = [words[at : at + 4] for at in range(0, len(words) - 3, 4)]
    return {name: (int(hard), int(soft), int(seconds)) for name, hard, soft, seconds in parts}


def limits_text(limits: Mapping[str, Limit]) -> str:
    """The same as a server prints them."""
    return " ".join(" ".join([name, *map(str, limit)]) for name, limit in limits.items())


def _wanted(key: str, text: str) -> Wanted:
    name, at, place = key.strip().lower().partition("@")
    if name not in NAMES:
        near = next(iter(difflib.get_close_matches(name[:60], NAMES, n=1, cutoff=0.5)), None)
        hint = f"did you mean {near}? " if near else ""
        raise UsageError(f"tune does not set {name[:60]!r}; {hint}It sets {', '.join(NAMES[:-1])} and {NAMES[-1]}.")
    if not text.strip():
        raise UsageError(f"{name} needs a value; type it as {name}={_EXAMPLES[name]}")
    return Wanted(name, _READ[name](text.strip()), tuple(Address.parse(one, 6379) for one in place.split(",") if at))


def _memory(text: str) -> str:
    return str(parse_size(MEMORY, text))


def _backlog(text: str) -> str:
    size = parse_size(BACKLOG, text)
    if size < LEAST_BACKLOG:
        raise UsageError(f"{BACKLOG}: {text} is too little; a server has at least {spelled_size(LEAST_BACKLOG)}.")
    return str(size)


def _policy(text: str) -> str:
    policy = text.lower()
    if policy in POLICIES:
        return policy
    near = next(iter(difflib.get_close_matches(policy[:60], POLICIES, n=1)), None)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(POLICIES)}."
    raise UsageError(f"{POLICY}: there is no {text[:60]!r}; {hint}")


def _buffers(text: str) -> str:
    words = text.split()
    if len(words) % 4:
        raise UsageError(
            f'{BUFFERS} takes a class, a hard limit, a soft limit and seconds, in quotes: {BUFFERS}="{_EXAMPLE}"'
        )
    limits = [_limit(*words[at : at + 4]) for at in range(0, len(words), 4)]
    names = [name for name, _ in limits]
    if len(set(names)) < len(names):
        raise UsageError(f"{BUFFERS}: a class is there twice; keep one.")
    return limits_text(dict(limits))


def _limit(word: str, hard: str, soft: str, seconds: str) -> tuple[str, Limit]:
    name = _class(word.lower())
    if name not in {"normal", "replica", "pubsub"}:
        raise UsageError(f"{BUFFERS}: there is no class {word[:40]!r}; there are normal, replica and pubsub.")
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 9):
        raise UsageError(f'{BUFFERS}: {seconds[:40]!r} is no number of seconds; type it as "{_EXAMPLE}"')
    limit = parse_size(BUFFERS, hard), parse_size(BUFFERS, soft), int(seconds)
    if name == "normal" and any(0 < one < LEAST_NORMAL for one in limit[:2]):
        raise UsageError(
            f"{BUFFERS}: less than {spelled_size(LEAST_NORMAL)} for normal clients cuts off whoever looks at the node, "
            "and Tandem too; 0 is no limit."
        )
    return name, limit


def _class(word: str) -> str:
    return "replica" if word == "slave" else word


_EXAMPLE = "replica 512mb 128mb 60"
_EXAMPLES: Mapping[str, str] = {MEMORY: "4gb", POLICY: "allkeys-lru", BACKLOG: "128mb", BUFFERS: f'"{_EXAMPLE}"'}
_READ: Mapping[str, Callable[[str], str]] = {MEMORY: _memory, POLICY: _policy, BACKLOG: _backlog, BUFFERS: _buffers}


def of_node(wanted: Sequence[Wanted], node: Address) -> Mapping[str, Wanted]:
    """What is wanted of one node, by the name of the setting; what is said of it alone counts most."""
    meant = [one for one in wanted if not one.nodes or node in one.nodes]
    return {one.name: one for one in sorted(meant, key=lambda one: bool(one.nodes))}


def differing_classes(old: str, new: str) -> tuple[str, str]:
    """Of two buffer limits as servers print them only the classes that differ."""
    before, after = parse_limits(old), parse_limits(new)
    differ = [one for one in after if before.get(one) != after[one]]
    only_old, only_new = (limits_text({one: of[one] for one in differ if one in of}) for of in (before, after))
    return only_old, only_new
