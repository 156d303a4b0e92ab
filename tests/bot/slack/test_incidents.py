"""An alert becomes one message with what Tandem sees, its buttons do what commands do, and it says when it is over."""

import asyncio
import io
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.service import Service
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import ALERTS_TOKEN, INCIDENT, House, asked, saying, targets, whispered

STARTED = datetime.now(UTC).isoformat()


def alert(*, ended: bool = False, fingerprint: str = "f1", **labels: str) -> dict[str, Any]:
    return {
        "status": "resolved" if ended else "firing",
        "labels": {"alertname": "RedisDown", "severity": "critical", "group": "orders"} | labels,
        "annotations": {
            "summary": "redis://10.0.0.1 is down <!channel> *loud*",
            "runbook_url": "https://example.org/r",
        },
        "startsAt": STARTED,
        "endsAt": datetime.now(UTC).isoformat() if ended else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=a|b>c",
        "fingerprint": fingerprint,
    }


async def posted(service: Service, body: object, token: str | None = ALERTS_TOKEN) -> tuple[int, str]:
    """One delivery; the status and the text of the answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"http://127.0.0.1:{service.port}/alerts"
    async with aiohttp.ClientSession() as session, session.post(url, data=io.BytesIO(raw), headers=headers) as answer:
        return answer.status, await answer.text()


def counted(**counts: int) -> str:
    """The answer to a delivery with these counts."""
    return json.dumps({"opened": 0, "changed": 0, "known": 0, "unheard": 0} | counts | {"not_understood": []})


def told(slack: LocalSlack) -> list[Message]:
    """The messages of incidents."""
    return [one for one in slack.messages(INCIDENT) if "opened " in one.plain() and "I-" in one.plain()]


@pytest.fixture
def down_after_ms() -> int:
    """Here the Sentinels fail over by themselves."""
    return 3_000


async def test_from_the_alert_to_its_end(slack: LocalSlack, house: House, redis: Topology) -> None:
    oncall = slack.person("U0ONCALL")
    house.keep(targets(redis))
    async with house.bot() as service:
        await redis.nodes[0].kill()
        status, answer = await posted(service, {"alerts": [alert()]})
        assert (status, json.loads(answer)["opened"]) == (200, 1)
        prompt = await slack.waits_for(lambda: saying(slack, "What Tandem sees"))
        assert "orders: RedisDown" in prompt.plain()
        assert slack.broadcast_mentions == []
        await oncall.clicks(prompt, "incident_assign")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "is assigned to you"))
        await slack.waits_for(lambda: saying(slack, "looks after it"))
        await redis.nodes[0].start()
        await redis.ready()
        assert await posted(service, {"alerts": [alert(ended=True)]}) == (200, counted(changed=1))
        over = await slack.waits_for(lambda: saying(slack, "over after"), within=90)
        assert over.ts == prompt.ts
        assert "Assign to me" not in over.plain()
        assert len(told(slack)) == 1


async def test_its_button_asks_for_what_the_command_does(slack: LocalSlack, house: House, redis: Topology) -> None:
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    house.keep(targets(redis))
    async with house.bot() as service:
        await redis.sentinels[0].kill()
        await posted(service, {"alerts": [alert(alertname="RedisSentinelDown", severity="info")]})
        prompt = await slack.waits_for(lambda: saying(slack, "sentinel-down"))
        assert not prompt.plain().startswith(":large_blue_circle:"), "what is seen is worse than what is said"
        await oncall.types(INCIDENT, '/redis freeze orders --reason "we move racks"')
        await slack.waits_for(lambda: saying(slack, "What Tandem sees") and saying(slack, "has frozen"))
        await lead.clicks(prompt, "incident_mute")
        await slack.waits_for(lambda: saying(slack, "Muted by"))
        assert await posted(service, {"alerts": [alert(alertname="RedisSentinelDown", severity="warning")]})
        assert len(told(slack)) == 1


async def test_restarted_and_sent_again_it_stays_one_message(slack: LocalSlack, house: House) -> None:
    house.keep(targets(None))
    async with house.bot() as service:
        assert (await posted(service, {"alerts": [alert()]}))[0] == 200
        first = await slack.waits_for(lambda: saying(slack, "What Tandem sees"))
    async with house.bot() as service:
        assert (await posted(service, {"alerts": [alert(), alert(fingerprint="f2", instance="b")]}))[0] == 200
        second = await slack.waits_for(lambda: saying(slack, "and 1 more"))
        assert second.ts == first.ts
        assert len(told(slack)) == 1


async def test_what_fits_no_target_goes_where_the_settings_say(slack: LocalSlack, house: House) -> None:
    slack.add_channel("C0ALERTS", "alerts", ["U0ONCALL"])
    house.keep({**targets(None), "alerts": {"channel": "C0ALERTS"}})
    async with house.bot() as service:
        status, _ = await posted(service, {"alerts": [alert(group="elsewhere", instance="x")]})
        assert status == 200
        prompt = await slack.waits_for(lambda: saying(slack, "no known target", "C0ALERTS"))
        assert "fit no target" in prompt.plain()
        assert told(slack) == []


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [
        ({"alerts": []}, None, 401),
        ({"alerts": []}, "wrong", 401),
        ({"alerts": []}, ALERTS_TOKEN, 200),
        (b"", ALERTS_TOKEN, 400),
        (b"{", ALERTS_TOKEN, 400),
        ([1, 2], ALERTS_TOKEN, 400),
        (b"[" * 200_000, ALERTS_TOKEN, 400),
        (b"x" * (33 * 1024 * 1024), ALERTS_TOKEN, 413),
        ({"alerts": [7, {"status": "firing"}]}, ALERTS_TOKEN, 200),
    ],
)
async def test_the_codes_that_make_the_sender_do_right(
    slack: LocalSlack, house: House, body: object, token: str | None, status: int
) -> None:
    async with house.bot() as service:
        answered, text = await posted(service, body, token)
        assert answered == status
        assert ALERTS_TOKEN not in text
    assert told(slack) == []


async def test_ten_thousand_alerts_are_one_message(slack: LocalSlack, house: House) -> None:
    house.keep(targets(None))
    many = [alert(fingerprint=f"f{number}", instance=f"10.0.0.1:{number}") for number in range(10_000)]
    async with house.bot() as service:
        status, answer = await posted(service, {"alerts": many})
        assert (status, json.loads(answer)["changed"]) == (200, 10_000)
        await slack.waits_for(lambda: saying(slack, "more alerts, 10,000 of all firing"))
        assert len(told(slack)) == 1


async def test_a_client_that_never_ends_its_body_is_let_go(
    slack: LocalSlack, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.alerts.receiver.PATIENCE_S", 0.2)
    async with house.bot() as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head = (
            f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALERTS_TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        assert b" 408 " in await reader.readline()
        writer.close()
    assert told(slack) == []


async def test_sentinels_are_heard_and_an_automatic_failover_is_told_once(
    slack: LocalSlack, house: House, redis: Topology
) -> None:
    house.keep(targets(redis))
    async with house.bot():
        await slack.waits_for(lambda: slack.connections >= 2)
        await all_listen(redis)
        await redis.nodes[0].kill()
        prompt = await slack.waits_for(lambda: saying(slack, "Enough Sentinels hold the master"))
        moved = await slack.waits_for(lambda: saying(slack, "have moved the master from"), within=60)
        assert moved.ts == prompt.ts
        await redis.nodes[0].start()
        over = await slack.waits_for(lambda: saying(slack, "over after"), within=90)
        assert over.ts == prompt.ts
        assert len(told(slack)) == 1


async def test_a_sentinel_that_comes_back_is_heard_again(slack: LocalSlack, house: House, redis: Topology) -> None:
    house.keep(targets(redis))
    async with house.bot():
        await all_listen(redis)
        for sentinel in redis.sentinels:
            await sentinel.kill()
        for sentinel in redis.sentinels:
            await sentinel.start()
        await redis.ready()
        await all_listen(redis)
        await redis.nodes[1].kill()
        await slack.waits_for(lambda: saying(slack, "has no answer from the replica"))


async def test_our_own_failover_is_told_by_its_run_alone(slack: LocalSlack, house: House, redis: Topology) -> None:
    lead = slack.person("U0LEAD")
    house.keep(targets(redis))
    async with house.bot():
        await all_listen(redis)
        card = await asked(slack)
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=120)
        assert told(slack) == []


async def all_listen(redis: Topology) -> None:
    """Wait until every Sentinel has a subscriber."""
    async with asyncio.timeout(90):
        for sentinel in redis.sentinels:
            while " psub=1 " not in str(await sentinel.command("CLIENT", "LIST")):
                await asyncio.sleep(0.05)
