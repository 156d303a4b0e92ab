"""What is watched beside the alerts that come, and how often. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watches:
    """``nodes_s``: how often every node is asked, in seconds; 0 is never. ``sentinels``: their events are heard.

    ``pods``: those of the targets on Kubernetes are followed. ``aws_s``: how often AWS is asked for its events,
    in seconds; 0 is never.
    """

    nodes_s: float = 1.0
    sentinels: bool = True
    pods: bool = True
    aws_s: float = 30.0
