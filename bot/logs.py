"""Writes the log: a line for people on a terminal, JSON for programs. No token ever gets into it."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_SECRET = re.compile(
    r"\b(?:xox[a-z]|xapp)-[\w-]+|\btandem_[0-9a-f]{16,}|(?<=ticket=)[\w-]+|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up(level: int = logging.INFO, *, as_json: bool | None = None) -> None:
    """Send everything to stderr; as JSON unless that is a terminal."""
    handler = logging.StreamHandler()
    wanted = not sys.stderr.isatty() if as_json is None else as_json
    handler.setFormatter(JsonLines() if wanted else Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


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
            entry["error"] = self.formatException(record.exc_info)
        return _without_secrets(json.dumps(entry, default=str, ensure_ascii=False))


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _without_secrets(line: str) -> str:
    return _SECRET.sub("***", line)
