"""The journal of one run: the intent is committed before the effect, the outcome after it."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy.exc import IntegrityError

from actions.kit.loop import StepState
from actions.kit.plan import SettingChange, Step
from bot.ledger import audit, debts, runs
from bot.ledger.database import Database
from bot.ledger.errors import LeaseLost, LedgerError
from bot.ledger.records import TANDEM, Lease

log = logging.getLogger(__name__)


class LedgerJournal:
    """Writes for one lease; refuses once another process has taken the run over. Made by ``Ledger.journal``."""

    def __init__(self, database: Database, lease: Lease, lasts: timedelta) -> None:
        self._database = database
        self._lease = lease
        self._lasts = lasts

    async def intends(self, index: int, step: Step) -> None:
        """Commit that the step begins, and every setting that it changes as owed, in one transaction.

        Raises:
            LeaseLost: another process has the run; the step must not begin.
            Stopped: somebody has cancelled the run.
            LedgerError: it could not be written, or another run still owes the same setting.
        """
        try:
            async with self._database.writing() as tx:
                await runs.renew(tx, self._lease, self._lasts)
                await runs.not_cancelled(tx, self._lease)
                await runs.begin_step(tx, self._lease, index, step)
        except IntegrityError as error:
            raise LedgerError(
                f"{step.title} cannot begin: another run still owes a setting that it changes."
            ) from error
        log.info("step began", extra={"step": index, "title": step.title})

    async def ended(self, index: int, state: StepState, note: str) -> None:
        """Record the outcome of a step.

        Raises:
            LeaseLost: another process has the run. What was seen is in the audit all the same.
        """
        try:
            async with self._database.writing() as tx:
                await runs.renew(tx, self._lease, self._lasts)
                await runs.end_step(tx, self._lease, index, state, note)
        except LeaseLost:
            await self._tell_late("step.ended-late", index=index, state=state, note=note)
            raise
        log.info("step ended", extra={"step": index, "state": state.value, "note": note})

    async def owes(self, change: SettingChange) -> None:
        """This setting is going to be changed, by an undoing or by what a step has found.

        Raises:
            LeaseLost: another process has the run; the change must not be made.
        """
        async with self._database.writing() as tx:
            await runs.renew(tx, self._lease, self._lasts)
            await debts.owe(tx, self._lease, change)

    async def repaid(self, change: SettingChange) -> None:
        """This setting is back as it was.

        Raises:
            LeaseLost: another process has the run. That it is back is in the audit all the same.
        """
        try:
            async with self._database.writing() as tx:
                await runs.renew(tx, self._lease, self._lasts)
                await debts.repay(tx, self._lease, change)
        except LeaseLost:
            await self._tell_late("debt.paid-late", node=str(change.node), name=change.name, value=change.old)
            raise

    async def _tell_late(self, kind: str, **details: object) -> None:
        async with self._database.writing() as tx:
            await audit.append(tx, kind, TANDEM, self._lease.run_id, epoch=self._lease.epoch, **details)
