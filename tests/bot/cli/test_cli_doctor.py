"""`tandem doctor`: what a run will need, found out on real servers and the local Slack without changing anything."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from actions.adapters import connect
from actions.kit.rights import NEVER_USED, Rights, needed
from actions.kit.topology import Address, Kind
from bot.checkup.checks import State
from bot.checkup.servers import clock_of
from bot.slack.checkup import SCOPES
from sandbox.redis import Shape, build, builds, cluster, sentinel
from sandbox.redis.config import CLUSTER_ACL, DATA_ACL, SENTINEL_ACL
from sandbox.slack import LocalSlack
from tests.cluster_failover import target_of_cluster
from tests.failover import patient_target_of

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def stage(terminal):
    async with sentinel(build(), acl=True) as topology, LocalSlack(ROOT / "manifest.yml") as slack:
        target = {"kind": "sentinel", "master_name": topology.master_name, "channels": ["C0INCIDENT"]}
        target |= {"sentinels": list(topology.sentinel_addresses), "nodes": list(topology.node_addresses)}
        target["auth"] = {"username": topology.username, "password_env": "NODE_PASSWORD"}
        target["sentinel_auth"] = {"username": topology.sentinel_username, "password_env": "SENTINEL_PASSWORD"}
        terminal.environment |= {"NODE_PASSWORD": topology.password, "SENTINEL_PASSWORD": topology.sentinel_password}
        settings = {"approvers": {"usergroup": "S0REDISOPS"}, "targets": {"orders": target}}
        (terminal.directory / "targets.yaml").write_text(yaml.safe_dump(settings))
        terminal.environment |= {"TANDEM_SLACK_API_URL": slack.api_url, "TANDEM_SLACK_BOT_TOKEN": slack.bot_token}
        terminal.environment |= {"TANDEM_SLACK_APP_TOKEN": slack.app_token}
        yield topology, slack


def amiss(ended):
    return [(one["about"], one["state"], one["summary"]) for one in ended.json["checks"] if one["state"] != "ok"]


@pytest.mark.servers
async def test_all_is_well_and_each_fault_is_named_with_what_mends_it(terminal):
    async with stage(terminal) as (topology, slack):
        well = await terminal.types("doctor --json")
        assert (well.code, well.err) == (0, "")
        [(about, state, said)] = amiss(well)
        assert (about, state) == ("ledger", "warning")
        assert "There is no ledger at " in said
        ok = "\n".join(one["summary"] for one in well.json["checks"])
        assert "3 nodes and 3 Sentinels answer." in ok
        assert "Our user may do what a run takes, and no more." in ok
        assert "The app has the rights that Tandem uses, and no more." in ok
        assert "3 people can approve, 3 are active." in ok
        assert "3 clocks and ours agree" in ok

        _, replica, last = topology.nodes
        await replica.command("ACL", "SETUSER", "tandem", "-client|pause")
        await topology.sentinels[0].command("ACL", "SETUSER", "tandem", "-sentinel|failover")
        await last.kill()
        for user in ("U0SECOND", "U0LEAD"):
            slack.faults.deactivate(user)
        ill = await terminal.types("doctor --json")
        found = "\n".join(map(str, amiss(ill)))
        assert (ill.code, ill.json["state"]) == (1, "fault")
        assert f"Our user may not client|pause at {replica.address}: it takes that to hold writes back." in found
        assert f"Our user may not sentinel|failover at {topology.sentinels[0].address}" in found
        assert f"node {last.address}: " in found
        assert "1 is active. Where one of them asks, too few are left." in found

        await replica.command("ACL", "SETUSER", "tandem", "+@all")
        slack.faults.fail("auth.test", error="invalid_auth", times=9)
        shown = await terminal.types("doctor")
        assert shown.code == 1
        assert f"Our user may do more than Tandem ever does at {replica.address}" in shown.out
        assert "The bot token is not accepted: invalid_auth." in shown.out
        assert shown.out.index("fault") < shown.out.index("warning") < shown.out.index("ok ")
        assert shown.out.rstrip().endswith("Nothing was changed.")
    assert list(terminal.directory.glob("*.db")) == []


async def test_without_slack_it_says_what_was_not_asked_and_is_not_well(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ended = await terminal.types("doctor --json")
    found = "\n".join(map(str, amiss(ended)))
    assert ended.code == 1
    assert "TANDEM_SLACK_BOT_TOKEN is not set" in found
    assert "nor who can approve" in found
    assert "node 127.0.0.1:1: " in found


async def state(servers):
    asked = (("ACL", "LIST"), ("CONFIG", "GET", "*"), ("DBSIZE",))
    return [[str(await server.command(*one)) for one in asked] for server in servers]


async def tried(hands, addresses):
    try:
        await hands.observe()
        return {address: await hands.rights(Address.parse(address)) for address in addresses}
    finally:
        await hands.aclose()


@pytest.mark.servers
@pytest.mark.parametrize("which", builds(), ids=lambda one: one.name)
async def test_trying_the_rights_does_nothing_even_where_all_is_allowed(which):
    async with sentinel(which) as topology:
        before = await state(topology.nodes)
        servers = (*topology.node_addresses, *topology.sentinel_addresses)
        told = await tried(connect(patient_target_of(topology)), servers)
        assert {rights.missing + rights.unknown for rights in told.values()} == {()}
        assert told[topology.node_addresses[0]].too_many == NEVER_USED
        assert await state(topology.nodes) == before
        for one in topology.sentinels:
            assert len(await one.command("SENTINEL", "MASTERS")) == 1


@pytest.mark.servers
async def test_with_the_rights_of_a_cluster_a_cluster_is_all_right():
    async with cluster(build(), Shape(replicas=0), acl=True) as made:
        told = await tried(connect(target_of_cluster(made)), made.node_addresses)
        assert set(told.values()) == {Rights()}


def test_what_is_tried_is_what_the_pages_ask_for():
    pages = (ROOT / "docs" / "operations.md").read_text()
    for kind in Kind:
        for sentinels in (False, True):
            given = " ".join(SENTINEL_ACL if sentinels else (*DATA_ACL, *CLUSTER_ACL))
            for right in needed(kind, sentinel=sentinels):
                assert f"+{right.name} " in f"{given} ", right
                assert f"+{right.name}" in pages, right
    assert frozenset(yaml.safe_load((ROOT / "manifest.yml").read_text())["oauth_config"]["scopes"]["bot"]) == SCOPES


@pytest.mark.parametrize(
    ("off_by", "ends"),
    [(0, State.OK), (1, State.OK), (-2, State.OK), (30, State.WARNING), (-30, State.WARNING), (301, State.FAULT)],
)
def test_a_clock_that_is_off_is_a_warning_and_a_fault_once_slack_refuses_it(off_by, ends):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    check = clock_of(now - timedelta(seconds=off_by), "Slack", now)
    assert check.state is ends
    assert ends is State.OK or f"{abs(off_by)} s {'ahead' if off_by > 0 else 'behind'}" in check.said
