"""A flush from the channel, with Sentinels and writers: nobody's own approval, no wrong name, then done and proven."""

from pathlib import Path

import pytest

from sandbox.redis import Topology, WriteLoad, loaded
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets
from tests.flushing import OLD, QUIET, copies_in, counted, filled

pytestmark = pytest.mark.servers


async def test_a_flush_by_the_typed_name(
    slack: LocalSlack, redis: Topology, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.kit.flushing.planned.LOOK_AGAIN_S", 1)
    house.keep(targets(redis, rescue={"folder": str(tmp_path / "copies")}))
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    master = await redis.master()
    await filled(master)
    for node in redis.nodes:
        for name, value in QUIET.items():
            await node.command("CONFIG", "SET", name, value)
    for one in redis.sentinels:  # A machine that stands still for 3 s would have them fail over.
        await one.command("SENTINEL", "SET", "mymaster", "down-after-milliseconds", "30000")
    async with WriteLoad(redis, rate=100) as load, house.bot():
        await oncall.types(INCIDENT, "/redis flush orders --db 7")
        refusal = await slack.waits_for(lambda: saying(slack, "flush orders: refused"))
        assert "database 7 has no keys" in refusal.plain()

        await oncall.types(INCIDENT, "/redis flush orders --db 0")
        card = await slack.waits_for(lambda: saying(slack, "flush orders: irreversible"))
        assert "Leaves the service, copied first" in card.plain()
        assert "New master" not in card.plain()
        assert "It is in use" in card.plain()
        for person, typed, answer in (
            (oncall, "orders", "a second person has to decide"),
            (lead, "ordres", "you typed 'ordres'"),
        ):
            await person.clicks(card, "approve-typed")
            form = await person.waits_for_view("approve:typed")
            assert (await person.submits(form, {"typed.typed": typed})).acked
            assert answer in (await person.waits_for_view("shown")).plain()
        assert await master.command("EXISTS", "old:1")

        await lead.clicks(card, "approve-typed")
        form = await lead.waits_for_view("approve:typed")
        assert (await lead.submits(form, {"typed.typed": "orders"})).acked
        done = await slack.waits_for(lambda: saying(slack, "flush orders: done and proven"), within=90)
        (copy,) = copies_in(tmp_path / "copies")
        assert str(copy) in done.plain() + house.thread(done)
        await load.stop()
        assert await redis.master() is master, "the Sentinels saw nothing amiss"
        assert await master.command("EXISTS", "old:1") == 0
        assert (await counted(master))[3] == OLD[3]
        async with loaded(redis.settings.build, copy, redis.settings.password) as server:
            assert await server.command("GET", "old:300") == "300"
            assert await load.lost(master, server.address) == 0
