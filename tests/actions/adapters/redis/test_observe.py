import asyncio
import contextlib
from dataclasses import replace

import pytest

from actions.adapters.redis import Observer
from actions.adapters.redis.listening import sentinel_events
from actions.kit.errors import AccessDenied
from actions.kit.snapshot import NodeConfig, Reason, Role
from actions.kit.topology import Address, Credentials, Kind, Target
from sandbox.redis import builds, replication, sentinel

pytestmark = pytest.mark.servers
SLOW_LOAD = {"key-load-delay": "10000", "rdbcompression": "no"}
"""Redis 6.2 looks at its clients after every 2 MB that it loads."""
FILL = ("EVAL", "for n = 1, 1000 do redis.call('SET', n, string.rep('x', 8192)) end", "0")


@contextlib.asynccontextmanager
async def observing(target):
    observer = Observer(target)
    try:
        yield observer
    finally:
        await observer.aclose()


async def until(observer, holds):
    """Observe until it holds; the time-out of the test bounds it."""
    while not holds(snapshot := await observer.observe()):
        await asyncio.sleep(0.05)
    return snapshot


def addresses(texts):
    return tuple(sorted(map(Address.parse, texts)))


async def told_before_it_does_not_let_us_listen(topology, target):
    """Whom the first Sentinel names to a user who may ask it and not listen."""
    told = set()
    await topology.sentinels[0].command("ACL", "SETUSER", "tandem", "-psubscribe")
    events = sentinel_events(target, Address.parse(topology.sentinel_addresses[0]), [topology.master_name])
    with pytest.raises(AccessDenied, match="PSUBSCRIBE"):
        _ = [told.add(event.address) async for event in events]
    return told


async def test_everything_that_sentinels_name_with_the_rights_of_the_acl_user(build, target_of):
    async with sentinel(build, acl=True, tls=build.has_tls) as topology, observing(target_of(topology)) as observer:
        first = await observer.observe()
        again = await observer.observe()
        told = await told_before_it_does_not_let_us_listen(topology, target_of(topology))
    master, *replicas = first.nodes
    assert told >= {node.address for node in first.nodes}
    assert first.unasked == again.unasked == ()
    assert tuple(node.address for node in first.nodes) == addresses(topology.node_addresses)
    assert first.agreed_master == master.address
    assert master.info.role is Role.MASTER
    assert {replica.info.link.master for replica in replicas} == {master.address}
    assert {replica.address for replica in master.info.replicas} == {replica.address for replica in replicas}
    assert master.info.version == build.version
    assert (master.config.min_replicas_to_write, master.config.replica_priority) == (0, 100)
    assert {f"sentinel {address}" for address in topology.sentinel_addresses} < set(master.known_from)
    assert {node.address: node.info.run_id for node in first.nodes} == {
        node.address: node.info.run_id for node in again.nodes
    }


async def test_what_sentinels_say(build, target_of):
    async with sentinel(build, down_after_ms=60_000) as topology, observing(target_of(topology)) as observer:
        snapshot = await observer.observe()
        views = await observer.sentinel_views()
    assert tuple(view.address for view in snapshot.sentinels) == addresses(topology.sentinel_addresses)
    assert [view.address for view in views] == [view.address for view in snapshot.sentinels]
    for view in snapshot.sentinels:
        assert (view.version, view.tilt, view.quorum_ok, view.gaps) == (build.version, False, True, ())
        assert view.quorum_text.startswith("OK 3 usable Sentinels")
        assert view.master.run_id == snapshot.nodes[0].info.run_id
        assert (view.master.quorum, view.master.other_sentinels, view.master.down_after_ms) == (2, 2, 60_000)
        assert {*view.master.peers, view.address} == {*addresses(topology.sentinel_addresses)}
        assert {replica.address for replica in view.master.replicas} == {node.address for node in snapshot.nodes[1:]}
        assert all(replica.link_up and replica.master for replica in view.master.replicas)
    assert len({view.run_id for view in snapshot.sentinels}) == 3


async def test_hung_servers_cost_one_time_out_together(build, target_of):
    async with sentinel(build, down_after_ms=60_000) as topology:
        target = target_of(topology, timeout_ms=2_000)
        async with observing(target) as observer:
            await observer.observe()
            await topology.sentinels[0].hang()
            await topology.nodes[2].hang()
            snapshot = await observer.observe()
            for server in (topology.sentinels[0], topology.nodes[2]):
                await server.resume()
            mended = await observer.observe()
    silent = {gap.source: gap.reason for gap in snapshot.unasked}
    assert silent == {
        f"sentinel {topology.sentinel_addresses[0]}": Reason.TIMED_OUT,
        f"node {topology.node_addresses[2]}": Reason.TIMED_OUT,
    }
    assert snapshot.took_ms < 2 * target.timeout_ms
    assert mended.unasked == ()


async def test_a_node_that_dies_while_it_is_looked_at_is_asked_again_at_once(build, target_of):
    async with replication(build, replicas=1) as topology:
        target = target_of(topology, timeout_ms=60_000)
        async with observing(target) as observer:
            await observer.observe()
            await topology.nodes[1].hang()
            looking = asyncio.ensure_future(observer.observe())
            await asyncio.sleep(0.05)
            await topology.nodes[1].kill()
            dead = (await looking).nodes[1]
    assert dead.unasked.reason is Reason.REFUSED


async def test_an_older_server_in_the_place_of_a_newer_is_asked_as_the_older_one(target_of):
    old, new = builds()[-1], builds()[0]
    if old.version >= (7,):
        pytest.skip("no server here is older than 7.0")
    async with replication(new, replicas=0) as topology, observing(target_of(topology)) as observer:
        before = [await observer.observe() for _ in range(2)]
        server = topology.nodes[0]
        server.spec = replace(server.spec, build=old)
        await server.restart()
        after = [await observer.observe() for _ in range(2)]
    for snapshot, build in zip(before + after, (new, new, old, old), strict=True):
        (node,) = snapshot.nodes
        assert node.info.version == build.version
        assert node.config is not None
        assert replace(node.config, tls_replication=None) == NodeConfig(
            0, 10, 100, save_points=(), stops_on_bgsave_error=True, masterauth=False, masteruser=""
        )
        assert snapshot.unasked == ()


async def test_a_dead_node_that_nobody_names_any_more_is_still_asked(build, target_of):
    async with replication(build) as topology:
        target = target_of(topology, nodes=addresses(topology.node_addresses)[:1])
        dead = Address.parse(topology.node_addresses[2])
        async with observing(target) as observer:
            before = await observer.observe()
            await topology.nodes[2].kill()
            after = await until(observer, lambda seen: len(seen.nodes[0].info.replicas) == 1)
    assert before.unasked == ()
    assert before.node(dead).known_from == (f"node {topology.node_addresses[0]}",)
    assert after.node(dead).known_from == ("seen earlier",)
    assert after.node(dead).unasked.reason is Reason.REFUSED
    assert after.nodes[0].known_from == (f"node {topology.node_addresses[1]}", "settings")


async def test_one_refused_question_is_a_gap_and_the_rest_is_kept(build, target_of):
    async with replication(build, replicas=0) as topology:
        await topology.nodes[0].command("ACL", "SETUSER", "half", "on", ">pass-word", "+info", "+role", "+pubsub")
        target = target_of(topology, auth=Credentials("half", "pass-word"))
        async with observing(target) as observer:
            (node,) = (await observer.observe()).nodes
    (gap,) = node.gaps
    assert (gap.source, gap.reason) == (f"node {node.address} CONFIG GET", Reason.NOPERM)
    assert gap.why.startswith("NOPERM")
    assert node.unasked is None
    assert node.info.role is Role.MASTER
    assert node.role_offset == node.info.offset
    assert node.config is None


async def test_without_info_a_node_has_no_view(build, target_of):
    async with replication(build, replicas=0) as topology:
        await topology.nodes[0].command("ACL", "SETUSER", "blind", "on", ">pass-word", "+ping")
        async with observing(target_of(topology, auth=Credentials("blind", "pass-word"))) as observer:
            (node,) = (await observer.observe()).nodes
    assert node.info is None
    assert (node.unasked.source, node.unasked.reason) == (f"node {node.address} INFO", Reason.NOPERM)


async def test_a_node_that_loads_says_so(build, target_of):
    async with replication(build, replicas=0, extra_config=SLOW_LOAD) as topology:
        server = topology.nodes[0]
        await server.command(*FILL)
        await server.command("SAVE")
        await server.kill()
        starting = asyncio.ensure_future(server.start())
        try:
            async with observing(target_of(topology)) as observer:
                snapshot = await until(observer, lambda seen: seen.nodes[0].info and seen.nodes[0].info.loading)
        finally:
            await server.kill()
            await asyncio.gather(starting, return_exceptions=True)
    assert snapshot.nodes[0].unasked is None


async def test_a_node_that_a_script_holds(build, target_of):
    async with replication(build, replicas=0, extra_config={"lua-time-limit": "1"}) as topology:
        server = topology.nodes[0]
        running = asyncio.ensure_future(server.command("EVAL", "while true do end", "0", timeout_s=60))
        async with observing(target_of(topology)) as observer:
            snapshot = await until(observer, lambda seen: seen.unasked)
            await observer.node(Address.parse(server.address)).ask(("SCRIPT", "KILL"))
            await asyncio.gather(running, return_exceptions=True)
    (gap,) = snapshot.unasked
    assert gap.reason is Reason.BUSY


async def test_a_sentinel_that_does_not_know_the_name_says_which_it_knows(build, target_of):
    async with (
        sentinel(build, replicas=1, sentinels=1, quorum=1) as topology,
        observing(target_of(topology, master_name="another")) as observer,
    ):
        (view,) = (await observer.observe()).sentinels
    assert view.unasked.reason is Reason.UNKNOWN_MASTER
    assert "another" in view.unasked.why
    assert view.knows == (topology.master_name,)
    assert view.master is None
    assert view.version == build.version
    assert view.quorum_ok is None


async def test_a_lost_quorum(build, target_of):
    async with (
        sentinel(build, replicas=1, down_after_ms=300) as topology,
        observing(target_of(topology)) as observer,
    ):
        for server in topology.sentinels[1:]:
            await server.kill()
        snapshot = await until(observer, lambda seen: seen.sentinels[0].quorum_ok is False)
    view = next(view for view in snapshot.sentinels if view.master)
    assert view.quorum_text.startswith("NOQUORUM")
    assert len(view.master.peers_down) == 2
    assert view.gaps == ()


async def test_a_sentinel_without_a_login(build, target_of):
    async with (
        sentinel(build, replicas=1, sentinels=1, quorum=1, acl=True) as topology,
        observing(target_of(topology, sentinel_auth=Credentials())) as observer,
    ):
        (view,) = (await observer.observe()).sentinels
    assert view.unasked.reason is Reason.NOAUTH
    assert view.master is None


async def test_a_sentinel_where_a_node_should_be_and_the_other_way_round(build, target_of):
    async with sentinel(build, replicas=1, sentinels=1, quorum=1) as topology:
        target = target_of(topology)
        swapped = replace(target, nodes=target.sentinels, sentinels=addresses(topology.node_addresses)[:1])
        async with observing(swapped) as observer:
            snapshot = await observer.observe()
    assert snapshot.nodes[0].unasked.reason is Reason.GARBAGE
    assert "Sentinel" in snapshot.nodes[0].unasked.why
    assert snapshot.sentinels[0].unasked.reason is Reason.GARBAGE
    assert "data node" in snapshot.sentinels[0].unasked.why


async def test_observations_at_the_same_time_do_not_mix(build, target_of):
    async with sentinel(build) as topology, observing(target_of(topology)) as observer:
        snapshots = await asyncio.gather(*(observer.observe() for _ in range(5)))
    assert all(snapshot.unasked == () for snapshot in snapshots)
    assert len({tuple(node.info.run_id for node in snapshot.nodes) for snapshot in snapshots}) == 1


async def test_where_nobody_answers_everything_is_unasked():
    target = Target(
        "orders", Kind.SENTINEL, nodes=(Address("127.0.0.1", 1),), sentinels=(Address("127.0.0.1", 2),), master_name="m"
    )
    async with observing(target) as observer:
        snapshot = await observer.observe()
    assert {gap.reason for gap in snapshot.unasked} == {Reason.REFUSED}
    assert len(snapshot.unasked) == 2
    assert snapshot.agreed_master is None


async def test_a_log_that_we_may_not_read_is_asked_for_once_and_not_missed(build, target_of):
    """The server keeps each refusal in a log that people read."""
    async with replication(build, replicas=0, acl=True) as topology, observing(target_of(topology)) as observer:
        await topology.nodes[0].command("ACL", "SETUSER", "tandem", "-slowlog")
        snapshots = [await observer.observe() for _ in range(3)]
        refused = await topology.nodes[0].command("ACL", "LOG")

    assert [one.unasked for one in snapshots] == [()] * 3
    assert [entry[1] for entry in refused] == [1]


async def test_what_is_amiss_is_looked_at_closer_unless_it_is_silent(target_of):
    async with replication(builds()[0]) as topology, observing(target_of(topology, timeout_ms=1_000)) as observer:
        well = await observer.observe()
        await topology.nodes[1].command("REPLICAOF", "127.0.0.1", "1")
        astray = await until(observer, lambda seen: any(node.closer for node in seen.nodes))
        await topology.nodes[0].hang()
        await topology.nodes[1].command("REPLICAOF", *topology.node_addresses[0].split(":"))
        hung = await until(observer, lambda seen: seen.node(Address.parse(topology.node_addresses[1])).closer)

    lost = Address.parse(topology.node_addresses[1])
    assert not any(node.closer for node in well.nodes)
    assert [node.address for node in astray.nodes if node.closer] == [lost]
    assert astray.node(lost).closer.serves_stale is True
    assert hung.node(Address.parse(topology.node_addresses[0])).closer is None
