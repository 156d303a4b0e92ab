"""Reads what a closer look is answered, and says which nodes want one. Whatever comes, it parses or is Garbled.

No I/O here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from actions.kit.closer import Closer, Refused, SlowCommand
from actions.kit.errors import Garbled
from actions.kit.replies import parse_fields
from actions.kit.snapshot import NodeView
from actions.kit.topology import Address

SETTINGS = (
    *("protected-mode", "requirepass", "masteruser", "port", "tls-port"),
    *("repl-diskless-sync", "client-output-buffer-limit", "replica-serve-stale-data"),
)
"""What is asked by CONFIG GET. None of these names a setting that holds text of the application's."""
LATELY_S = 60
"""A slow command so long ago, by the node's own clock, is over."""

_is_command = re.compile(r"[A-Za-z0-9_.|-]{1,40}").fullmatch
_replica_limit = re.compile(r"(?:slave|replica) ([0-9]{1,19})(?: ([0-9]{1,19}) ([0-9]{1,9}))?(?= |$)").search
_address = re.compile(r"(?:^| )addr=(\S+?):[0-9]{1,5}(?= |$)").search


def wants_closer(view: NodeView) -> Iterator[Address]:
    """Who is to be asked more closely for what this node said.

    A replica without its link and whom it follows; a master that sends somebody everything; who was held up lately.
    """
    info = view.info
    if info is None:
        return
    if info.link is not None and not info.link.up:
        yield view.address
        yield info.link.master
    if any(one.state != "online" for one in info.replicas) or lately_slow(view):
        yield view.address


def lately_slow(view: NodeView) -> bool:
    """Its last slow command was a moment ago, by its own clock."""
    now_us = view.info.stats.time_us if view.info else None
    return view.last_slow is not None and now_us is not None and is_late(view.last_slow, now_us)


def is_late(slow: SlowCommand, now_us: int) -> bool:
    """It was within the last minute before ``now_us``, in microseconds since 1970; a clock that jumped says no."""
    return -1 <= now_us // 1_000_000 - slow.at_s <= LATELY_S


def parse_settings(*replies: object) -> Closer:
    """Read the answers to any number of CONFIG GET.

    Raises:
        Garbled: one of them is no list of names and values.
    """
    fields = parse_fields(*replies)
    limit = _replica_limit(fields.get("client-output-buffer-limit", ""))
    return Closer(
        protected_mode=_yes(fields, "protected-mode"),
        has_password=bool(fields["requirepass"]) if "requirepass" in fields else None,
        has_master_user=bool(fields["masteruser"]) if "masteruser" in fields else None,
        port=_port(fields, "port"),
        tls_port=_port(fields, "tls-port"),
        diskless=_yes(fields, "repl-diskless-sync"),
        replica_buffer=int(limit.group(1)) if limit else None,
        replica_soft=(int(limit.group(2)), int(limit.group(3))) if limit and limit.group(2) else None,
        serves_stale=_yes(fields, "replica-serve-stale-data"),
    )


def parse_acl_log(reply: object) -> tuple[Refused, ...]:
    """Read ACL LOG; entries of another shape are left out.

    Raises:
        Garbled: it is no list.
    """
    if not isinstance(reply, list):
        raise Garbled("ACL LOG answered with something else")
    return tuple(filter(None, map(_refused, reply)))


def parse_slowlog(reply: object) -> tuple[SlowCommand, ...]:
    """Read SLOWLOG GET; entries of another shape are left out.

    Raises:
        Garbled: it is no list.
    """
    if not isinstance(reply, list):
        raise Garbled("SLOWLOG GET answered with something else")
    return tuple(filter(None, map(_slow, reply)))


def _refused(entry: object) -> Refused | None:
    if not isinstance(entry, list):
        return None
    fields = {
        str(_word(name)): value for name, value in zip(entry[::2], entry[1::2], strict=False) if isinstance(name, bytes)
    }
    why, times = _word(fields.get("reason")), fields.get("count")
    found = _address(_word(fields.get("client-info")))
    try:
        age_s = float(_word(fields.get("age-seconds")))
    except ValueError:
        return None
    if not why or not isinstance(times, int) or not 0 <= age_s < float("inf"):
        return None
    command = _word(fields.get("object")).lower() if why in {"auth", "command"} else ""
    return Refused(why, command if _is_command(command) else "", found.group(1) if found else "", times, age_s)


def _slow(entry: object) -> SlowCommand | None:
    match entry:
        case [int(number), int(at_s), int(took_us), [bytes(name), *_], *_] if took_us >= 0:
            word = name.decode(errors="replace").upper()
            return SlowCommand(number, at_s, took_us, word if _is_command(word) else "a command")
    return None


def _word(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _yes(fields: Mapping[str, str], name: str) -> bool | None:
    return fields[name] == "yes" if name in fields else None


def _port(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else None
