"""Puts a replication group to the proof, with a write past its endpoint. No I/O here but through Hands."""

from __future__ import annotations

import secrets

from actions.kit.cluster.verified import prove_cluster
from actions.kit.elasticache.proof import group_checks, written
from actions.kit.elasticache.views import NodeGroupView
from actions.kit.errors import ActionError
from actions.kit.ports import Hands
from actions.kit.proof import Check, prove
from actions.kit.snapshot import Snapshot


async def prove_aws(hands: Hands, snapshot: Snapshot) -> tuple[Check, ...]:
    """What AWS says, what the nodes say, and a write: of each shard, in cluster mode."""
    checks = tuple(group_checks(snapshot))
    if snapshot.in_cluster:
        return (*checks, *await prove_cluster(hands, snapshot))
    master = snapshot.agreed_master
    if master is None:
        named = ", ".join(str(node.address) for node in snapshot.masters) or "no node"
        said = f"{named} answers as master; AWS and the nodes do not name one together"
        return (*checks, Check("one primary is agreed on", ok=False, observation=said))
    shards = snapshot.group.node_groups if snapshot.group else ()
    return (*checks, *prove(snapshot, master), *[await _write(hands, snapshot, shard) for shard in shards])


async def _write(hands: Hands, snapshot: Snapshot, shard: NodeGroupView) -> Check:
    where = shard.primary_endpoint or "its primary"
    title = f"{where} takes a write and every replica shows it"
    try:
        probe = await written(hands, snapshot, shard, f"verify-{secrets.token_hex(6)}")
    except ActionError as error:
        return Check(title, ok=False, observation=str(error))
    return Check(title, ok=probe.ok, observation="; ".join(probe.observations))
