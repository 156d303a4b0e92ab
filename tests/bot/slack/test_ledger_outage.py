"""The ledger goes away under a bot that is up, and comes back."""

from sandbox.postgresql import PASSWORD, PostgreSQL
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, whispered
from tests.databases import rows


async def test_without_its_ledger_the_bot_looks_but_changes_nothing_and_uses_it_again_once_it_is_back(
    slack: LocalSlack, house: House, own_postgresql: PostgreSQL
) -> None:
    own_postgresql.execute("CREATE DATABASE tandem")
    house.ledger_url = own_postgresql.url("tandem")
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        own_postgresql.stop()
        await oncall.types(INCIDENT, "/redis freeze orders --reason x")
        refused = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "nothing listens there. Start PostgreSQL"))
        assert PASSWORD not in refused.plain()
        await oncall.types(INCIDENT, "/redis diagnose orders")
        seen = await slack.waits_for(lambda: saying(slack, "orders: undetermined"))
        assert "Whether it is frozen is not known: The ledger" in seen.plain()

        own_postgresql.start()
        assert rows(house.ledger_url, "SELECT count(*) FROM freezes") == [(0,)]
        await oncall.types(INCIDENT, "/redis freeze orders --reason x")
        await slack.waits_for(lambda: saying(slack, "has frozen orders"))
    assert PASSWORD not in slack.transcript(INCIDENT)
