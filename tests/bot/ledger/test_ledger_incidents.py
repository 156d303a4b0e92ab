"""Alerts that come, come again, end, flap and storm, and what becomes of the one message that tells of them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.ledger import Ledger
from bot.ledger.incident_message import SHOWN
from bot.ledger.incident_records import SEVERAL, UNKNOWN, Alert, Sight, Signal, Taken
from tests.bot.ledger.given import LEAD, ONCALL, Clock, ledger_in
from tests.databases import rows

HERE = ("C0INCIDENT",)
WELL = Sight("orders", "healthy", ":large_green_circle:", "certain", "All is well.", well=True)
DOWN = Sight(
    "orders", "master-down", ":red_circle:", "certain", "It is down.", well=False, suggests=("failover orders",)
)


class Sender:
    """Whoever sends alerts; by the clock of the ledger."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock = ledger, clock

    def alert(self, fingerprint: str = "f1", *, ended: bool = False, started: datetime | None = None) -> Alert:
        labels = {"alertname": "RedisDown", "severity": "critical"}
        at = started or self.clock()
        return Alert(fingerprint, not ended, at, self.clock() if ended else None, labels, "It is down")

    async def sends(self, *alerts: Alert, target: str | None = "orders", channels: tuple[str, ...] = HERE) -> Taken:
        return await self.ledger.incidents.received([Signal(one, target, channels) for one in alerts])

    async def sends_and_ends(self) -> None:
        """One alert, and its end."""
        first = self.alert()
        await self.sends(first)
        await self.sends(self.alert(ended=True, started=first.starts_at))


def messages(url: str) -> list[dict]:
    """What the outbox holds, the oldest first, with the body read."""
    found = rows(url, "SELECT channel, wanted, body FROM outbox ORDER BY id")
    return [{"channel": channel, "wanted": wanted, "body": json.loads(body)} for channel, wanted, body in found]


def message(url: str) -> dict:
    (only,) = messages(url)
    return only


async def looked(ledger: Ledger, *sights: Sight) -> None:
    """One look at everything that is due."""
    due, _ = await ledger.incidents.due()
    for incident in due:
        begun = await ledger.incidents.claim(incident)
        assert begun
        await ledger.incidents.seen(incident, begun, sights)


async def test_from_its_beginning_to_its_end_it_is_one_message(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        assert await sender.sends(first) == Taken(opened=1, changed=1)
        await looked(ledger, DOWN)
        body = message(ledger_url)["body"]
        assert (body["scope"], body["firing"], body["sights"][0]["verdict"]) == ("orders", 1, "master-down")
        clock.passes(seconds=90)
        ended = sender.alert(ended=True, started=first.starts_at)
        assert await sender.sends(ended) == Taken(changed=1)
        assert message(ledger_url)["body"]["closed_at"] is None
        await looked(ledger, WELL)
        body = message(ledger_url)["body"]
        assert body["closed_at"] - body["opened_at"] == 90
        assert await ledger.incidents.due() == ((), None)
        assert (await ledger.verify_audit()).problem is None


async def test_what_is_sent_again_says_nothing_new(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first, first)
        await looked(ledger, DOWN)
        wanted = message(ledger_url)["wanted"]
        for _ in range(3):
            clock.passes(hours=1)
            assert await sender.sends(first) == Taken(known=1)
        await looked(ledger, DOWN)
        assert message(ledger_url)["wanted"] == wanted
        ended = sender.alert(ended=True, started=first.starts_at)
        await sender.sends(ended)
        assert await sender.sends(ended, first) == Taken(known=2)
        assert message(ledger_url)["body"]["firing"] == 0


async def test_an_end_without_a_beginning_tells_nobody(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        assert await sender.sends(sender.alert(ended=True)) == Taken(known=1)
        assert messages(ledger_url) == []


async def test_resolved_is_no_proof_of_health(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends_and_ends()
        for _ in range(2):
            await looked(ledger, DOWN)
            assert message(ledger_url)["body"]["closed_at"] is None
            clock.passes(seconds=31)
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["closed_at"] is not None


async def test_what_cannot_be_seen_is_not_well_until_somebody_has_taken_note(ledger_url):
    clock = Clock()
    unseen = Sight("orders", "not seen", ":white_circle:", "undetermined", "No answer.", well=None)
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends_and_ends()
        await looked(ledger, unseen)
        assert message(ledger_url)["body"]["closed_at"] is None
        await ledger.incidents.acknowledge(message(ledger_url)["body"]["id"], ONCALL)
        clock.passes(seconds=31)
        await looked(ledger, unseen)
        assert message(ledger_url)["body"]["closed_at"] is not None


async def test_redis_that_is_well_again_ends_nothing_while_the_alert_fires(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["closed_at"] is None


async def test_what_flaps_is_counted_and_not_posted(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        for _ in range(4):
            first = sender.alert()
            await sender.sends(first)
            await looked(ledger, DOWN)
            clock.passes(seconds=60)
            await sender.sends(sender.alert(ended=True, started=first.starts_at))
            await looked(ledger, WELL)
            clock.passes(seconds=60)
        body = message(ledger_url)["body"]
        assert (body["alerts"][0]["times"], body["closed_at"] is None) == (4, False)
        clock.passes(minutes=11)
        await sender.sends(sender.alert())
        assert len(messages(ledger_url)) == 2


async def test_a_beginning_that_a_second_prometheus_tells_earlier_keeps_it_from_no_end(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first)
        sooner, later = (replace(first, starts_at=first.starts_at + timedelta(seconds=by)) for by in (-7, 7))
        assert await sender.sends(sooner) == Taken(known=1)
        assert await sender.sends(later) == Taken(known=1), "it is the same, and does not flap"
        clock.passes(minutes=5)
        late = replace(sooner, firing=False, ended_at=first.starts_at - timedelta(seconds=1))
        assert await sender.sends(late) == Taken(known=1)
        assert await sender.sends(sender.alert(ended=True, started=sooner.starts_at)) == Taken(changed=1)
        assert message(ledger_url)["body"]["firing"] == 0


async def test_what_its_sender_had_given_up_and_hears_of_again_fires_again(ledger_url):
    """Prometheus was cut off from Alertmanager for a while: the alert comes back as it was."""
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first)
        clock.passes(minutes=4)
        await sender.sends(sender.alert(ended=True, started=first.starts_at))
        clock.passes(minutes=2)
        assert await sender.sends(first) == Taken(changed=1)
        assert message(ledger_url)["body"]["firing"] == 1


async def test_what_the_settings_know_by_now_moves_to_its_target_and_ends_there(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first, target=None, channels=("C0ALERTS",))
        assert await sender.sends(first, target="orders") == Taken(opened=1, changed=1)
        assert await sender.sends(first, target="orders") == Taken(known=1)
        assert await sender.sends(first, channels=("C0SHOP",)) == Taken(known=1), "no second message for it"
        assert [one["body"]["firing"] for one in messages(ledger_url)] == [0, 1]
        await sender.sends(sender.alert(ended=True, started=first.starts_at), channels=("C0SHOP",))
        assert [one["body"]["firing"] for one in messages(ledger_url)] == [0, 0]


async def test_a_second_alert_joins_the_first_and_the_worst_stands_first(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        mild = Alert("f0", True, clock(), None, {"alertname": "RedisReplicaMissing", "severity": "warning"}, "")
        await sender.sends(mild)
        clock.passes(seconds=5)
        assert await sender.sends(sender.alert("f1")) == Taken(changed=1)
        assert [one["severity"] for one in message(ledger_url)["body"]["alerts"]] == ["critical", "warning"]


async def test_of_what_has_ended_the_story_that_tandem_saw_itself_is_never_left_out(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        rules = [sender.alert(f"f{number}") for number in range(SHOWN)]
        await sender.sends(*rules)
        clock.passes(seconds=5)
        cost = {"alertname": "AutomaticFailover", "severity": "info"}
        await sender.sends(
            Alert("cost", True, clock(), None, cost, "For at most 4.3 s nobody answered as the master.", own=True)
        )
        assert "AutomaticFailover" not in {one["name"] for one in message(ledger_url)["body"]["alerts"]}
        clock.passes(seconds=20)
        await sender.sends(*(replace(one, firing=False, ended_at=clock()) for one in rules))
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["alerts"][0]["name"] == "AutomaticFailover"


async def test_many_targets_at_once_share_one_message_with_the_worst_first(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        signals = [Signal(sender.alert(f"f{number}"), f"target-{number % 100}", HERE) for number in range(500)]
        assert await ledger.incidents.received(signals) == Taken(opened=1, changed=500)
        body = message(ledger_url)["body"]
        assert (body["scope"], body["firing"], body["targets"], len(body["alerts"])) == (SEVERAL, 500, 100, 12)
        (incident,), _ = await ledger.incidents.due()
        assert len(incident.targets) == 100
        assert await ledger.incidents.received(signals) == Taken(known=500)


async def test_a_storm_that_comes_one_by_one_makes_a_handful_of_messages(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        for number in range(30):
            await sender.sends(sender.alert(f"f{number}"), target=f"target-{number}")
            clock.passes(seconds=1)
        scopes = [one["body"]["scope"] for one in messages(ledger_url)]
        assert scopes == [*(f"target-{number}" for number in range(5)), SEVERAL]


async def test_what_is_new_of_a_target_in_a_storm_joins_the_storm(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        storm = [sender.alert(f"f{number}") for number in range(20)]
        signals = [Signal(alert, f"target-{number}", HERE) for number, alert in enumerate(storm)]
        await ledger.incidents.received(signals)
        clock.passes(minutes=2)
        assert await sender.sends(sender.alert("g3"), target="target-3") == Taken(changed=1)
        assert message(ledger_url)["body"]["firing"] == 21
        over = [replace(alert, firing=False, ended_at=clock()) for alert in (storm[3], sender.alert("g3"))]
        await sender.sends(*over, target="target-3")
        assert await sender.sends(sender.alert("h3"), target="target-3") == Taken(opened=1, changed=1)


async def test_alerts_of_no_target_and_of_no_channel(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        assert await sender.sends(first, target=None) == Taken(opened=1, changed=1)
        assert await sender.sends(sender.alert("f2"), target=None, channels=()) == Taken(unheard=1)
        assert message(ledger_url)["body"]["scope"] == UNKNOWN
        await sender.sends(sender.alert(ended=True, started=first.starts_at), target=None)
        await looked(ledger)
        assert message(ledger_url)["body"]["closed_at"] is not None


async def test_several_channels_have_a_message_each(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert(), channels=("C0INCIDENT", "C0SHOP"))
        await looked(ledger, DOWN)
        told = [(one["channel"], one["wanted"], one["body"]["sights"] != []) for one in messages(ledger_url)]
        assert told == [("C0INCIDENT", 2, True), ("C0SHOP", 2, True)]


async def test_of_several_processes_one_looks_and_another_where_that_one_is_lost(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        (incident,), _ = await ledger.incidents.due()
        claims = await asyncio.gather(*(ledger.incidents.claim(incident) for _ in range(5)))
        assert [claim is not None for claim in claims].count(True) == 1
        due, wait_s = await ledger.incidents.due()
        assert (due, 0 < wait_s <= 30) == ((), True)
        clock.passes(seconds=31)
        assert await ledger.incidents.claim(incident)


async def test_an_alert_that_comes_while_somebody_looks_is_looked_at_again(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        (incident,), _ = await ledger.incidents.due()
        begun = await ledger.incidents.claim(incident)
        clock.passes(seconds=1)
        await sender.sends(sender.alert("f2"))
        await ledger.incidents.seen(incident, begun, [DOWN])
        assert [one.id for one in (await ledger.incidents.due())[0]] == [incident.id]


async def test_a_look_proves_nothing_of_what_came_after_it_began(ledger_url):
    """A slow look found all well, but the fault is younger than its picture."""
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(replace(sender.alert(), own=True))
        (incident,), _ = await ledger.incidents.due()
        begun = await ledger.incidents.claim(incident)
        clock.passes(seconds=1)
        await sender.sends(replace(sender.alert("f2"), own=True))
        clock.passes(seconds=20)
        await ledger.incidents.seen(incident, begun, [WELL])
        assert message(ledger_url)["body"]["firing"] == 2
        await sender.sends_and_ends()
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["closed_at"] is not None


async def test_an_end_that_comes_while_somebody_looks_waits_for_the_next_look(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first)
        (incident,), _ = await ledger.incidents.due()
        begun = await ledger.incidents.claim(incident)
        clock.passes(seconds=1)
        await sender.sends(sender.alert(ended=True, started=first.starts_at))
        await ledger.incidents.seen(incident, begun, [WELL])
        assert message(ledger_url)["body"]["closed_at"] is None
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["closed_at"] is not None


async def test_what_tandem_saw_itself_ends_when_it_is_seen_to_be_well_and_not_at_once(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(replace(sender.alert(), own=True), sender.alert("f2"))
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["firing"] == 2
        assert await sender.sends(replace(sender.alert(), own=True)) == Taken(known=1)
        clock.passes(seconds=11)
        assert await sender.sends(replace(sender.alert(), own=True)) == Taken(known=1)
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["firing"] == 1, "what others say ends by their word"


@pytest.mark.parametrize(("why", "tried"), [("not_in_channel", 1), ("message_not_found", 0)])
async def test_what_its_channel_did_not_take_is_tried_again_with_what_is_new(ledger_url, why, tried):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        (due,) = (await ledger.outbox.agenda()).due
        await ledger.outbox.give_up(await ledger.outbox.claim(due), why)
        await sender.sends(sender.alert())
        assert (await ledger.outbox.agenda()).due == ()
        await sender.sends(sender.alert("f2"))
        assert len((await ledger.outbox.agenda()).due) == tried


async def test_people_look_after_it(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        incident_id = message(ledger_url)["body"]["id"]
        assert await ledger.incidents.acknowledge(incident_id, ONCALL) == f"{incident_id} is acknowledged."
        assert await ledger.incidents.assign(incident_id, LEAD) == f"{incident_id} is assigned to you."
        body = message(ledger_url)["body"]
        assert (body["acknowledged_by"], body["assigned_to"]) == (LEAD.id, LEAD.id)
        assert "no incident I-NONE" in await ledger.incidents.assign("I-NONE", LEAD)
        kinds = [row.kind for row in await ledger.audit_trail()]
        assert kinds.count("incident.tended") == 2


async def test_a_muted_one_rests_until_its_time_is_over(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends(sender.alert())
        await ledger.incidents.mute(message(ledger_url)["body"]["id"], ONCALL, timedelta(minutes=60))
        wanted = message(ledger_url)["wanted"]
        assert message(ledger_url)["body"]["muted_by"] == ONCALL.id
        await sender.sends(sender.alert("f2"))
        await looked(ledger, DOWN)
        assert message(ledger_url)["wanted"] == wanted
        clock.passes(minutes=61)
        await looked(ledger, DOWN)
        body = message(ledger_url)["body"]
        assert (body["muted_until"], body["firing"]) == (None, 2)
        wanted = message(ledger_url)["wanted"]
        clock.passes(seconds=31)
        await looked(ledger, DOWN)
        assert message(ledger_url)["wanted"] == wanted, "that it rests no longer is told once"


async def test_what_comes_after_the_end_of_a_muted_one_is_shown(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        first = sender.alert()
        await sender.sends(first)
        await ledger.incidents.mute(message(ledger_url)["body"]["id"], ONCALL, timedelta(minutes=60))
        await sender.sends(sender.alert(ended=True, started=first.starts_at))
        await looked(ledger, WELL)
        assert message(ledger_url)["body"]["closed_at"] is not None
        clock.passes(minutes=2)
        await sender.sends(sender.alert("f2"))
        body = message(ledger_url)["body"]
        assert (body["closed_at"], body["firing"], body["muted_until"]) == (None, 1, None)


async def test_what_is_over_takes_no_more_hands(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        sender = Sender(ledger, clock)
        await sender.sends_and_ends()
        await looked(ledger, WELL)
        incident_id = message(ledger_url)["body"]["id"]
        assert "is over since" in await ledger.incidents.mute(incident_id, ONCALL, timedelta(minutes=60))


@pytest.mark.parametrize("odd", ["\0", "\ud800", "<!channel>", "x" * 5_000])
async def test_texts_that_no_database_likes(ledger_url, odd):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        labels = {"alertname": odd, "severity": odd}
        alert = Alert(odd, True, clock(), None, labels, odd, (("Runbook", f"https://example.org/{odd}"),))
        assert await ledger.incidents.received([Signal(alert, odd, HERE)]) == Taken(opened=1, changed=1)
        assert await ledger.incidents.received([Signal(alert, odd, HERE)]) == Taken(known=1)
