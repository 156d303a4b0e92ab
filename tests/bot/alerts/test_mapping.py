"""Which target an alert is about: by its own rule, by a name, by an address."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from actions.kit.errors import SettingsError
from actions.kit.topology import Address
from bot.alerts.mapping import Places
from bot.ledger.incident_records import Alert
from bot.targets import load_targets

TARGETS = {
    "alerts": {"channel": "C0ALERTS"},
    "targets": {
        "orders": {
            "kind": "sentinel",
            "master_name": "shop",
            "sentinels": ["10.0.0.1:26379"],
            "nodes": ["10.0.0.1:6379"],
            "channels": ["C0INCIDENT", "C0SHOP"],
        },
        "carts": {
            "kind": "replication",
            "nodes": ["10.0.1.1:6379"],
            "alerts": {"labels": {"team": "carts", "env": "eu"}},
        },
        "stock": {"kind": "sentinel", "master_name": "m", "sentinels": ["10.0.2.1:26379"]},
        "prices": {"kind": "sentinel", "master_name": "m2", "sentinels": ["10.0.2.1:26379"]},
        "here": {"kind": "replication", "nodes": ["Redis-0.example:6379", "[2001:db8::1]:6379", "10.9.0.1:6379"]},
        "there": {
            "kind": "replication",
            "nodes": ["10.9.0.1:6379"],
            "address_map": {"10.9.0.1:6379": "192.0.2.1:6379"},
        },
    },
}


def places(folder: Path, content: object = TARGETS) -> Places:
    path = folder / "targets.yaml"
    path.write_text(yaml.safe_dump(content))
    return Places(load_targets(path))


@pytest.mark.parametrize(
    ("labels", "target", "channels"),
    [
        ({"group": "orders"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"master_name": "shop", "job": "redis"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"instance": "redis://10.0.0.1:6379"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"instance": "rediss://user:secret@10.0.0.1:6379/"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"instance": "10.0.0.1:26379"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"instance": "10.0.0.1"}, "orders", ("C0INCIDENT", "C0SHOP")),
        ({"group": "orders", "team": "carts", "env": "eu"}, "carts", ("C0ALERTS",)),
        ({"team": "carts"}, None, ("C0ALERTS",)),
        ({"instance": "10.0.2.1:26379"}, None, ("C0ALERTS",)),
        ({"instance": "10.0.2.1:26379", "master_name": "m2"}, "prices", ("C0ALERTS",)),
        ({"instance": "redis://10.0.1.1:6379/0"}, "carts", ("C0ALERTS",)),
        ({"addr": "valkeys://u:w@REDIS-0.example"}, "here", ("C0ALERTS",)),
        ({"instance": "redis://[2001:DB8:0:0::1]:6379"}, "here", ("C0ALERTS",)),
        ({"instance": "10.9.0.1:6379"}, None, ("C0ALERTS",)),
        ({"instance": "\x00<!channel>", "group": "elsewhere"}, None, ("C0ALERTS",)),
        ({}, None, ("C0ALERTS",)),
    ],
)
def test_whom_it_is_about(
    labels: dict[str, str], target: str | None, channels: tuple[str, ...], tmp_path: Path
) -> None:
    alert = Alert(
        "f", firing=True, starts_at=datetime(2026, 1, 1, tzinfo=UTC), ended_at=None, labels=labels, summary=""
    )
    signal = places(tmp_path).signal(alert)
    assert (signal.target, signal.channels) == (target, channels)


def test_servers_that_are_found_later_are_known_by_their_addresses(tmp_path: Path) -> None:
    found, replica = places(tmp_path), Address("10.0.0.9", 6379)
    alert = Alert("f", True, datetime.now(UTC), None, {"instance": "redis://10.0.0.9:6379"}, "")
    told = []
    for change in (found.learn, found.forget):
        told.append(found.signal(alert).target)
        change("stock", [replica])
    found.learn("stock", [replica])
    told.append(found.signal(alert).target)
    found.learn("prices", [replica])
    assert [*told, found.signal(alert).target] == [None, "stock", "stock", None]


def test_without_a_default_channel_nobody_can_be_told(tmp_path: Path) -> None:
    alert = Alert("f", firing=True, starts_at=datetime(2026, 1, 1, tzinfo=UTC), ended_at=None, labels={}, summary="")
    assert places(tmp_path, {"targets": TARGETS["targets"]}).signal(alert).channels == ()


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ({"labels": {}}, "names no|is empty"),
        ({"label": {"a": "b"}}, "is not a known key.*labels"),
        ({"labels": {"a": 1}}, "has to be a text"),
        ({"labels": {"team": "carts", "env": "eu"}}, "are those of"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_its_line(alerts: object, said: str, tmp_path: Path) -> None:
    content = {
        **TARGETS,
        "targets": {**TARGETS["targets"], "orders": {**TARGETS["targets"]["orders"], "alerts": alerts}},
    }
    with pytest.raises(SettingsError, match=rf"targets.yaml:\d+: .*({said})"):
        places(tmp_path, content)


def test_a_default_channel_that_is_no_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has to be a channel's id"):
        places(tmp_path, {**TARGETS, "alerts": {"channel": "#alerts"}})


def linked(links: object, own: object = None) -> dict:
    orders = {**TARGETS["targets"]["orders"], **({"alerts": {"links": own}} if own else {})}
    return {**TARGETS, "alerts": {"channel": "C0ALERTS", "links": links}, "targets": {"orders": orders}}


def test_the_settings_add_links_for_which_the_alert_has_none(tmp_path: Path) -> None:
    general = {"Dashboard": "https://g.example/d?var-group={group}", "Runbook": "https://r.example/{target}"}
    own = {"Dashboard": "https://g.example/orders?g={group}"}
    alert = Alert("f", True, datetime.now(UTC), None, {"group": "a b/&"}, "", (("Runbook", "https://own.example"),))
    found = places(tmp_path, linked(general, own))
    assert found.of_target(alert, "orders").alert.links == (
        ("Runbook", "https://own.example"),
        ("Dashboard", "https://g.example/orders?g=a%20b%2F%26"),
    )
    plain = Alert("f", True, datetime.now(UTC), None, {}, "")
    assert dict(found.of_target(plain, "orders").alert.links)["Runbook"] == "https://r.example/orders"
    assert found.of_target(plain, None).alert.links == ()


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("ftp://x/{target}", "begins with https:// or http:// and names a host"),
        ("javascript:alert(1)", "begins with https:// or http://"),
        ("https:///{target}", "names a host"),
        ("https://[x/{target}", "names a host"),
        ("https://x/{cluster}", r"has a place {cluster}; there are {target} and {group}"),
        ("https://x/" + "y" * 500, "at most 500 characters"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, template: str, why: str) -> None:
    with pytest.raises(SettingsError) as error:
        places(tmp_path, linked({"Dashboard": template}))
    assert why in str(error.value)
    assert "targets.yaml:" in str(error.value)


def test_links_need_neither_a_channel_nor_labels(tmp_path: Path) -> None:
    content = {**linked({"Dashboard": "https://x"}, {"Runbook": "https://y"}), "alerts": {"links": {"D": "https://x"}}}
    alert = Alert("f", True, datetime.now(UTC), None, {}, "")
    assert dict(places(tmp_path, content).of_target(alert, "orders").alert.links) == {
        "Runbook": "https://y",
        "D": "https://x",
    }
    with pytest.raises(SettingsError, match="at least one link"):
        places(tmp_path, linked({}))
