"""Who is told what a ledger has done, once it is committed: counts are taken there. No I/O here."""

from __future__ import annotations

from typing import Literal, Protocol

from bot.ledger.incident_records import Taken
from bot.ledger.records import Request

TransactionKind = Literal["read", "write"]


class Watcher(Protocol):
    """Is told by one process what that process has done; must not raise, nor take long."""

    def transacted(self, kind: TransactionKind, seconds: float, *, failed: bool) -> None:
        """A transaction is over, after so many seconds with its wait; ``failed``: the database did."""

    def filed(self, request: Request) -> None:
        """A request was filed."""

    def became(self, request: Request) -> None:
        """What happened to a request has brought it into the state that it has now."""

    def received(self, taken: Taken) -> None:
        """Alerts were taken in."""


class Nobody:
    """Is told, and does nothing: a terminal keeps no counts."""

    def transacted(self, kind: TransactionKind, seconds: float, *, failed: bool) -> None:
        """See ``Watcher``; so are the others."""

    def filed(self, request: Request) -> None:
        """Nothing."""

    def became(self, request: Request) -> None:
        """Nothing."""

    def received(self, taken: Taken) -> None:
        """Nothing."""


class Several:
    """Tells each of them, in this order."""

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers

    def transacted(self, kind: TransactionKind, seconds: float, *, failed: bool) -> None:
        """See ``Watcher``; so are the others."""
        for one in self._watchers:
            one.transacted(kind, seconds, failed=failed)

    def filed(self, request: Request) -> None:
        """All of them."""
        for one in self._watchers:
            one.filed(request)

    def became(self, request: Request) -> None:
        """All of them."""
        for one in self._watchers:
            one.became(request)

    def received(self, taken: Taken) -> None:
        """All of them."""
        for one in self._watchers:
            one.received(taken)


NOBODY = Nobody()
