"""Rescue copies on a volume: written through the pod of deploy/kubernetes/rescue-volume.yaml, with its rights only."""

import hashlib
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from actions.adapters import connect
from actions.kit.errors import AccessDenied, RescueDamaged, RescueFailed
from actions.kit.kubernetes.mounts import Mount, mounts
from actions.kit.kubernetes.place import Way
from actions.kit.rescue_place import Volume
from actions.kit.topology import Address, Credentials, Kind, Target
from sandbox.kubernetes import Image, bitnami
from sandbox.kubernetes.api.resources import CLAIMS, STATEFUL_SETS
from sandbox.redis import build
from tests.actions.adapters.kubernetes.test_look import place_of
from tests.actions.adapters.kubernetes.test_role import OUTSIDE, ROLE

NAME = "orders-7-node-20260101T000000Z.rdb"
CLAIM, PODS, RIGHTS, _ = yaml.safe_load_all(
    (Path(__file__).parents[4] / "deploy/kubernetes/rescue-volume.yaml").read_text()
)


@asynccontextmanager
async def rescued_to_a_volume(**reach):
    """A release of one node, hands on it as the role's user, the user, and the folder that is the volume."""
    async with bitnami(build(), shape="replication", replicas=0) as release:
        cluster, space = release.cluster, release.namespace
        cluster.images["busybox:1.37"] = Image(("sleep", "infinity"))
        cluster.apply([{**one, "metadata": {**one["metadata"], "namespace": space}} for one in (CLAIM, PODS)])
        await cluster.until(
            lambda: cluster.store.get(STATEFUL_SETS, space, "tandem-rescue")["status"].get("readyReplicas")
        )
        rules = ROLE["rules"] + RIGHTS["rules"] + (OUTSIDE["rules"] if reach else [])
        user = cluster.add_user("system:serviceaccount:tandem:tandem", rules, [space])
        target = Target(
            "orders",
            Kind.REPLICATION,
            auth=Credentials(None, release.password),
            timeout_ms=5_000,
            kubernetes=place_of(release, user, **reach),
            rescue=Volume("tandem-rescue", "copies"),
        )
        folder = cluster.folder.rglob(cluster.store.get(CLAIMS, space, "tandem-rescue")["spec"]["volumeName"])
        hands = connect(target)
        try:
            yield release, hands, user, next(folder) / "copies/orders"
        finally:
            await hands.aclose()


@pytest.mark.servers
async def test_a_copy_is_written_and_hashed_by_the_pod_and_nothing_half_stays():
    async with rescued_to_a_volume() as (release, hands, user, folder):
        node = Address.parse(release.address("redis-master-0"))
        await release.command("redis-master-0", "CONFIG", "SET", "rdbcompression", "no")
        fill = "for n = 1, 3000 do redis.call('SET', n, string.rep(n, 100)) end"
        await release.command("redis-master-0", "EVAL", fill, "0")
        room = await hands.rescue_room(node)
        assert (room.where, room.why_not) == ("volume tandem-rescue/copies/orders", "")
        assert room.free_bytes > 0

        copy = await hands.rescue(node, NAME, {"why": "split brain"})

        data = (folder / NAME).read_bytes()
        assert len(data) > 1_000_000
        assert (copy.size_bytes, copy.sha256, copy.keys) == (len(data), hashlib.sha256(data).hexdigest(), 3000)
        assert copy.where == f"volume tandem-rescue/copies/orders/{NAME}"
        assert await hands.rescued(NAME) == copy
        with pytest.raises(RescueFailed, match="is there already, and no copy is ever written over"):
            await hands.rescue(node, NAME, {})
        (folder / NAME).write_bytes(data[:-1])
        with pytest.raises(RescueDamaged, match="is not what it was"):
            await hands.rescued(NAME)
        (folder / NAME).unlink()
        assert await hands.rescued(NAME) is None

        (folder / f".{NAME}.partial").mkdir()  # As a disk that takes nothing.
        with pytest.raises(
            RescueFailed, match=r"volume tandem-rescue/copies/orders \(pod tandem-rescue-0\) did not take"
        ):
            await hands.rescue(node, NAME, {})
        (folder / f".{NAME}.partial").rmdir()
        assert sorted(one.name for one in folder.iterdir()) == [
            NAME.replace(".rdb", end) for end in (".evidence.json", ".json")
        ]

        user.denied = {("create", "pods/exec"), ("get", "pods/exec")}
        assert "We may not create pods/exec (pod tandem-rescue-0" in (await hands.rescue_room(node)).why_not
        with pytest.raises((AccessDenied, RescueFailed), match="We may not create pods/exec"):
            await hands.rescued(NAME)
        user.denied = set()
        release.cluster.store.change(
            STATEFUL_SETS,
            release.cluster.store.get(STATEFUL_SETS, release.namespace, "tandem-rescue"),
            lambda one: one["spec"].update(replicas=0),
        )
        await release.cluster.until(
            lambda: (
                "tandem-rescue-0" not in {pod["metadata"]["name"] for pod in release.cluster.pods(release.namespace)}
            )
        )
        assert (
            "No running pod in namespace orders mounts the claim tandem-rescue"
            in (await hands.rescue_room(node)).why_not
        )


@pytest.mark.servers
async def test_a_copy_of_a_node_that_only_port_forward_leads_to():
    async with rescued_to_a_volume(reach=Way.PORT_FORWARD) as (release, hands, _, folder):
        await hands.observe()
        await release.command("redis-master-0", "SET", "colour", "blue")
        copy = await hands.rescue(Address.parse(release.address("redis-master-0")), NAME, {"why": "split brain"})
        assert (copy.keys, copy.size_bytes) == (1, len((folder / NAME).read_bytes()))


def pod(*, claim="copies", mount_read_only=False, running=True, leaving=False):
    status = {"containerStatuses": [{"name": "shell", "state": {"running" if running else "waiting": {}}}]}
    container = {"name": "shell", "volumeMounts": [{"name": "v", "mountPath": "/rescue/", "readOnly": mount_read_only}]}
    spec = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}], "containers": [container]}
    metadata = {"name": "pod-0"} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {})
    return {"metadata": metadata, "spec": spec, "status": status}


def test_only_a_running_pod_that_may_write_is_a_way_to_a_volume():
    assert list(mounts(pod(), "copies")) == [Mount("pod-0", "shell", "/rescue")]
    for change in ({"claim": "other"}, {"mount_read_only": True}, {"running": False}, {"leaving": True}):
        assert list(mounts(pod(**change), "copies")) == []
    assert list(mounts({"metadata": {"name": "pod-0"}}, "copies")) == []
