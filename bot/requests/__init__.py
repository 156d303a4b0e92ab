"""The life of a request, from the question to the end of its run, without knowing Slack or the terminal."""

from bot.requests.desk import Desk
from bot.requests.ports import Connection

__all__ = ["Connection", "Desk"]
