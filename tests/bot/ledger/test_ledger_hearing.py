"""A time in which no replica heard Slack is told once, whoever is back first."""

from tests.bot.ledger.given import Clock, ledger_in

PATIENCE_S = 10.0


async def test_nobody_is_told_while_somebody_hears(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as one, ledger_in(ledger_url, clock=clock) as other:
        assert await one.hearing.heard(0, 0, PATIENCE_S) is None, "there was nothing before"
        for _ in range(20):
            clock.passes(seconds=3)
            assert await one.hearing.heard(600, 2, PATIENCE_S) is None
        assert await other.hearing.heard(0, 0, PATIENCE_S) is None
        clock.passes(seconds=9)
        assert await other.hearing.heard(0, 0, PATIENCE_S) is None, "a short break"
        clock.passes(seconds=300)
        assert await other.hearing.heard(309, 0, PATIENCE_S) is None, "the ledger was away, and not Slack"
        assert (await one.outbox.agenda()).due == ()


async def test_after_a_break_the_first_that_hears_again_has_it_told(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as one, ledger_in(ledger_url, clock=clock) as other:
        await one.hearing.heard(0, 0, PATIENCE_S)
        since = clock.now.timestamp()
        clock.passes(seconds=100)
        deaf = await other.hearing.heard(1, 0, PATIENCE_S)
        assert deaf is not None
        assert deaf.total_seconds() == 99
        assert await one.hearing.heard(0, 0, PATIENCE_S) is None
        (due,) = (await one.outbox.agenda()).due
        told = await one.outbox.claim(due)
        assert told is not None
        assert (told.kind, told.channel) == ("deaf", "target:*")
        assert told.body == {"since": since, "until": since + 99}
