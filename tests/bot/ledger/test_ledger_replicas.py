from actions.kit.settlement import Answer
from bot.ledger import TANDEM, RunState
from tests.bot.ledger.given import Clock, approved, ledger_in

ONE = {"rules": "a1", "target orders": "b2"}
OTHER = {"rules": "a1", "target orders": "c3", "target carts": "d4"}


async def test_who_lives_is_known_until_it_leaves_or_is_silent_for_a_lease(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as first, ledger_in(ledger_url, clock=clock) as second:
        await first.replicas.beat(ONE)
        assert await first.replicas.others() == ()
        assert len(await second.replicas.others()) == 1
        clock.passes(seconds=14)
        await first.replicas.beat(ONE)
        clock.passes(seconds=14)
        assert len(await second.replicas.others()) == 1
        clock.passes(seconds=1)
        assert await second.replicas.others() == ()
        await first.replicas.beat(ONE)
        await first.replicas.leave()
        assert await second.replicas.others() == ()


async def test_what_differs_is_named_and_who_goes_by_it(ledger_url):
    async with ledger_in(ledger_url) as first, ledger_in(ledger_url) as second:
        await first.replicas.beat(ONE)
        assert await second.replicas.differing(ONE) is None
        why = await second.replicas.differing(OTHER)
        assert why is not None
        assert why.startswith("Two bots go by different settings")
        assert ": target orders, target carts. " in why
        assert why.count("process ") == 2
        await first.replicas.beat(OTHER)
        assert await second.replicas.differing(OTHER) is None


async def test_a_run_that_is_handed_over_is_taken_at_once_and_that_is_no_crash(ledger_url):
    async with ledger_in(ledger_url) as first, ledger_in(ledger_url) as second:
        request = await approved(first)
        lease = await first.begin(request.id)
        await first.journal(lease).intends(0, request.plan.steps[0])
        await first.stops.hand_over(lease, put_back=True)
        (left,) = await second.unsettled()
        assert (left.run.state, left.run.reached) == (RunState.UNSETTLED, -1)
        claim = await second.claim(request.id)
        assert (claim.times, claim.answered.answer, claim.answered.person) == (0, Answer.RESUME, TANDEM)
