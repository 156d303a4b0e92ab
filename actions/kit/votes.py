"""Whom the newest promotion made master, as far as the Sentinels that answer know. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from actions.kit.snapshot import SentinelView
from actions.kit.topology import Address


@dataclass(frozen=True, slots=True)
class Newest:
    """The highest config-epoch that is known, -1 where no Sentinel answers, and whom those that know it name."""

    epoch: int
    named: frozenset[Address]

    def __str__(self) -> str:
        """Such as ``10.0.0.2:6379 at epoch 7``."""
        return f"{', '.join(map(str, sorted(self.named)))} at epoch {self.epoch}"


def newest(views: Iterable[SentinelView]) -> Newest:
    """The newest promotion. One Sentinel's word is enough: only a promotion raises the config-epoch."""
    votes = [view.master for view in views if view.master is not None]
    epoch = max((vote.config_epoch for vote in votes), default=-1)
    return Newest(epoch, frozenset(vote.address for vote in votes if vote.config_epoch == epoch))
