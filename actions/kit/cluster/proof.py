"""Whether shards are as they should be, check by check. No I/O here."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actions.kit.cluster.agreement import backing, dissenters
from actions.kit.cluster.shards import Shard, Shards, slots_text
from actions.kit.proof import Check
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address


def prove_shards(
    snapshot: Snapshot, masters: Collection[Address], expected: Collection[Address] = (), *, alone: bool = False
) -> tuple[Check, ...]:
    """Check that these nodes are masters of shards by everybody's word, each followed by all of its replicas.

    Args:
        snapshot: taken after the change.
        masters: the nodes that have to be masters.
        expected: the nodes that have to answer; those that could not be reached before are not among them. Empty:
            all of them.
        alone: only these shards are asked about: others may be lost, so that there is no majority.
    """
    shards = Shards(snapshot)
    checks: list[Check] = []
    for address in sorted(masters):
        shard = shards.shard_of(address)
        checks += [_owner(snapshot, address, shard)]
        if shard is not None and shard.master == address:
            checks += [_agreed(shards, shard, majority=not alone), *_followers(snapshot, shard, expected)]
    return (*checks, *(() if alone else _whole(snapshot, shards, expected)))


def _owner(snapshot: Snapshot, address: Address, shard: Shard | None) -> Check:
    title = f"{address} is the master of its slots"
    node = snapshot.node(address)
    if node is None or node.info is None:
        why = node.unasked.why if node and node.unasked else "nobody knows it"
        return Check(title, ok=False, observation=f"it did not answer: {why}")
    if not node.is_master:
        return Check(title, ok=False, observation=f"it says that it is a {node.info.role}")
    if shard is None or shard.master != address:
        return Check(title, ok=False, observation=f"the slots are those of {shard.master if shard else 'nobody'}")
    return Check(title, ok=True, observation=f"slots {slots_text(shard.slots)}, config-epoch {shard.config_epoch}")


def _agreed(shards: Shards, shard: Shard, *, majority: bool) -> Check:
    title = f"every node names {shard.master} as their owner"
    wrong = dissenters(shards, shard)
    if wrong:
        return Check(title, ok=False, observation=f"{', '.join(map(str, wrong))} says otherwise")
    votes, all_votes = backing(shards, shard), len(shards.shards)
    seen = f"{len(shards.views)} nodes say so, {votes} of {all_votes} masters among them"
    return Check(title, ok=not majority or votes * 2 > all_votes, observation=seen)


def _followers(snapshot: Snapshot, shard: Shard, expected: Collection[Address]) -> Iterator[Check]:
    for address in shard.replicas:
        node = snapshot.node(address)
        if node is None or node.info is None:
            if not expected or address in expected:
                yield Check(f"{address} follows {shard.master}", ok=False, observation="it did not answer")
        else:
            yield _follower(node, shard)


def _follower(node: NodeView, shard: Shard) -> Check:
    title = f"{node.address} follows {shard.master}"
    link = node.info.link if node.info else None
    if node.is_master or link is None:
        return Check(title, ok=False, observation="it says that it is a master")
    if link.master != shard.master:
        return Check(title, ok=False, observation=f"it follows {link.master}")
    state = "up" if link.up else "down"
    return Check(title, ok=link.up, observation=f"link {state}, offset {node.info.offset if node.info else '?'}")


def _whole(snapshot: Snapshot, shards: Shards, expected: Collection[Address]) -> Iterator[Check]:
    """What concerns the whole cluster, a check for all nodes together: 150 of them would tell nobody anything."""
    failed = [str(node.address) for node, view in shards.views if not view.ok]
    silent = [str(node.address) for node in snapshot.nodes if node.info is None and node.address in expected]
    seen = f"{', '.join(failed)} says fail" if failed else f"{len(shards.views)} nodes say ok"
    yield Check("cluster_state is ok on every node", ok=not failed, observation=seen)
    if silent:
        yield Check("every node answers that answered before", ok=False, observation=f"not {', '.join(silent)}")
