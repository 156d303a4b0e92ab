"""Shows an action line that is suggested as a terminal takes it. No I/O here."""

from __future__ import annotations

from rich.text import Text

from actions.kit.plan import Risk
from actions.registry import ACTIONS
from bot.render.words import plain


def suggestion(line: str) -> Text:
    """``tandem diagnose orders``; what changes something is asked for by ``request``."""
    changes = {action.name for action in ACTIONS if action.risk is not Risk.READ}
    asked = "request " if line.split(" ", 1)[0] in changes else ""
    return Text(f"tandem {asked}{plain(line, 200)}", style="bold")
