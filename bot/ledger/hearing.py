"""Until when any replica has heard Slack; where none had for a while, the channels are told once.

What could not be sent meanwhile is due when somebody hears Slack again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from bot.ledger import messages
from bot.ledger.database import Database
from bot.ledger.messages import Want
from bot.ledger.tables import hearing

_ROW = 1


class Hearing:
    """One moment, which all replicas of a ledger keep together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self, began_s: float, last_s: float, patience_s: float) -> timedelta | None:
        """This process hears Slack.

        Args:
            began_s: for how long without a break, in seconds.
            last_s: how long ago it last had a proof of that, in seconds.
            patience_s: what is shorter than this tells nobody.

        Returns:
            For how long nobody had heard Slack before that, if this is what the channels are told now.
        """
        async with self._database.writing() as tx:
            began, last = tx.now - timedelta(seconds=began_s), tx.now - timedelta(seconds=last_s)
            before: datetime | None = (await tx.connection.execute(select(hearing.c.until))).scalar()
            if before is None:
                await tx.connection.execute(insert(hearing).values(id=_ROW, until=last))
                return None
            if last > before:
                await tx.connection.execute(update(hearing).values(until=last))
            if began - before <= timedelta(seconds=patience_s):
                return None
            spell = {"since": before.timestamp(), "until": began.timestamp()}
            key = f"deaf:{before.timestamp():.3f}"
            await messages.want(tx, Want(key, "deaf", f"{messages.TARGET}*", body=spell))
            await messages.hurry(tx)
            return began - before
