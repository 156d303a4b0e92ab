"""Since when a ``verify`` searches an application's log, by what the ledger tells of the last run."""

import pytest

from bot.ledger import LedgerError
from bot.requests.since import since_the_last_run
from sandbox.redis import builds, replication
from tests.bot.desks import LEAD, office
from tests.failover import patient_target_of

pytestmark = pytest.mark.servers


async def test_since_the_last_run_began(tmp_path):
    async with replication(builds()[0], replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        assert await since_the_last_run(here.ledger, "orders") == {}
        request = await here.asks()
        await here.desk.approve(request.id, LEAD)
        await here.ended(request.id)
        assert await since_the_last_run(here.ledger, "orders") == {"since": "1m"}
        assert await since_the_last_run(here.ledger, "others") == {}


async def test_a_ledger_that_is_away_is_done_without():
    class Away:
        async def runs(self, limit, target):
            raise LedgerError("The ledger cannot be reached.")

    assert await since_the_last_run(Away(), "orders") == {}
