"""Which of AWS's events are told as trouble, and of which target each is. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from actions.kit.elasticache.views import Event

_MEMBER = re.compile(r"(?:-\d{4})?-\d{3}")
"""What follows the group's name in a member's: ``-001``, in cluster mode ``-0001-001``."""

_MEANINGS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"failover .*\bcompleted\b"), "ElastiCacheFailedOver", "warning"),
    (re.compile(r"test failover api called"), "ElastiCacheTestFailover", "warning"),
    (re.compile(r"^recovering\b"), "ElastiCacheRecovering", "critical"),
    (
        re.compile(r"\b(?:failed|failure|error|unable|unsuccessful|insufficient|cannot)\b"),
        "ElastiCacheTrouble",
        "warning",
    ),
    (re.compile(r"\b(?:restarted|rebooted|shut ?down|replac|maintenance)"), "ElastiCacheNodeChanged", "warning"),
)
"""By the words that AWS uses, the more telling first; whatever else it tells is no trouble."""


def meaning(event: Event) -> tuple[str, str] | None:
    """An alert's name and how bad it is; ``None`` where it is no trouble."""
    said = event.message.lower()
    return next(((name, severity) for words, name, severity in _MEANINGS if words.search(said)), None)


def target_of(event: Event, groups: Mapping[str, str]) -> str | None:
    """The target that an event is about.

    Args:
        event: of any group or member of the region.
        groups: the names of targets by those of their replication groups.
    """
    if event.source in groups:
        return groups[event.source]
    found = ((name, target) for name, target in groups.items() if event.source.startswith(name))
    return next((target for name, target in found if _MEMBER.fullmatch(event.source[len(name) :])), None)
