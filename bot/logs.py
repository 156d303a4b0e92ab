"""Writes the log: a line for people on a terminal, JSON for programs. No token ever gets into it.

Whatever is logged while something is done about a request, its run or an incident has the id of that, by ``about``.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_SECRET = re.compile(
    r"\b(?:xox[a-z]|xapp)-[\w-]+|\btandem_[0-9a-f]{16,}|(?<=ticket=)[\w-]+|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=Bearer )[^\s\"']+"
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_ABOUT: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


@contextmanager
def about(**ids: str | None) -> Iterator[None]:
    """Give every line from in here, and from tasks begun in here, these ids: ``request``, ``incident``."""
    token = _ABOUT.set({**(_ABOUT.get() or {}), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def set_up(level: int = logging.INFO, *, as_json: bool | None = None) -> None:
    """Send everything to stderr; as JSON unless that is a terminal."""
    handler = logging.StreamHandler()
    wanted = not sys.stderr.isatty() if as_json is None else as_json
    handler.setFormatter(JsonLines() if wanted else Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


class Standing:
    """Troubles that last, and are met again and again: each is logged when it begins and when it becomes another.

    Then it is logged once in a while, so that a log that is read late has it too.

    Args:
        log: where.
        remind_s: after so long it is logged again.
        clock: seconds that only go on.
    """

    def __init__(
        self, log: logging.Logger, remind_s: float = 3600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._remind_s, self._clock = log, remind_s, clock
        self._told: dict[Hashable, tuple[str, float]] = {}

    def tell(self, which: Hashable, level: int, message: str, *args: object) -> None:
        """A trouble was met; ``which`` tells it from the others."""
        said, now = message % args, self._clock()
        before, at = self._told.get(which, ("", now))
        if said != before or now - at >= self._remind_s:
            self._told[which] = said, now
            self._log.log(level, message, *args)

    def over(self, which: Hashable) -> None:
        """It is there no longer; the next one is new."""
        self._told.pop(which, None)


class Lines(logging.Formatter):
    """Time, level, logger, message and what came with it."""

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        at = datetime.fromtimestamp(record.created, UTC)
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        line = f"{at:%H:%M:%S} {record.levelname:<7} {record.name}: {record.getMessage()}{extra}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return _without_secrets(line)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return _without_secrets(json.dumps(entry, default=str, ensure_ascii=False))


def _extra(record: logging.LogRecord) -> dict[str, object]:
    own = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    return {**(_ABOUT.get() or {}), **own}


def _without_secrets(line: str) -> str:
    return _SECRET.sub("***", line)
