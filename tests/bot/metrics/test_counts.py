"""Each way in which a request or a run can end is counted once, by the process that did it."""

from pathlib import Path

import pytest

from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.settlement import Answer, Question
from bot.ledger import Busy
from bot.metrics.counts import Counts
from tests.bot.ledger.given import LEAD, ONCALL, OPS, Clock, a_plan, filed, ledger_in


async def test_every_end_is_counted_once(tmp_path: Path) -> None:
    counts, clock = Counts(), Clock()
    async with ledger_in(tmp_path, watcher=counts, clock=clock) as ledger, ledger_in(tmp_path, clock=clock) as other:
        denied = await filed(ledger)
        assert (await ledger.decide(denied.id, LEAD, "deny", "no")).ok
        assert not (await ledger.decide(denied.id, OPS, "approve")).ok
        assert (await ledger.withdraw((await filed(ledger)).id, ONCALL)).ok
        await filed(ledger, minutes=1)
        clock.passes(minutes=2)
        assert len(await ledger.expire_due()) == 1

        approved = await filed(ledger, needed=2)
        await ledger.decide(approved.id, LEAD, "approve")
        await ledger.decide(approved.id, OPS, "approve")
        busy = await filed(ledger, needed=0)
        lease = await ledger.begin(approved.id)
        with pytest.raises(Busy):
            await ledger.begin(busy.id)
        clock.passes(seconds=7)
        journal, step = ledger.journal(lease), approved.plan.steps[0]
        await journal.intends(0, step)
        await journal.ended(0, StepState.FAILED, "it broke")
        await ledger.end(lease, Ending(Outcome.UNDONE, ("it broke",)))

        void = await filed(ledger, needed=0)
        await ledger.void(await ledger.begin(void.id), ("the master is another one",))
        await ledger.freezes.freeze("frozen", LEAD, "a move")
        with pytest.raises(Busy):
            await ledger.begin((await filed(ledger, a_plan("frozen"), needed=0)).id)
        given_up = await ledger.begin((await filed(ledger, needed=0)).id)
        await ledger.questions.ask(given_up, Question(("Nobody knows.",), moved=None))
        assert (await ledger.questions.answer(given_up.run_id, LEAD, Answer.ABANDON)).ok
        await other.decide((await filed(other)).id, LEAD, "deny", "counted where it is done")

    def told(name: str, **labels: str) -> float | None:
        return counts.registry.get_sample_value(name, {"action": "tune", **labels})

    assert told("tandem_requests_filed_total") == 8
    decided = ("denied", "withdrawn", "expired", "approved", "refused", "waiting", "running")
    found = [told("tandem_requests_decided_total", outcome=outcome) for outcome in decided]
    assert found == [1, 1, 1, 1, 2, None, None]
    assert [told("tandem_runs_total", outcome=one) for one in ("undone", "void", "incomplete")] == [1, 1, 1]
    assert told("tandem_run_duration_seconds_sum", outcome="undone") == 7
    ends = [{"kind": "Set", "state": one} for one in ("failed", "skipped")]
    assert [counts.registry.get_sample_value("tandem_steps_total", one) for one in ends] == [1, 2]
