"""The time by which budgets, windows and dates are judged: real time, which a test can move on. No I/O here."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus what it was moved on by."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """In UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move on, for instance by a day after which old failovers count no longer."""
        self._ahead += by
