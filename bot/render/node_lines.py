"""Tells of one node in one line. No I/O here."""

from __future__ import annotations

from actions.kit.snapshot import NodeInfo, NodeView, Snapshot, Unasked
from actions.kit.topology import Address
from bot.render.words import counted, size


def node_line(snapshot: Snapshot, node: NodeView) -> str:
    """Its address, role and link, or why it does not answer; a mark beside each state."""
    if node.info is None:
        return f"✗ {node.address}  {silence(node.unasked)}"
    facts = _master_facts(node.info) if node.is_master else _replica_facts(snapshot, node, node.info)
    if node.info.loading:
        facts.append("LOADING")
    facts.append(f"{node.info.flavour} {'.'.join(map(str, node.info.version))}")
    mark = "●" if node.is_master else "○"
    return f"{mark} {node.address}  {node.info.role}  " + "  ".join(facts)


def _master_facts(info: NodeInfo) -> list[str]:
    return [f"offset {info.offset:,}", f"{counted(len(info.replicas), 'replica')} attached"]


def _replica_facts(snapshot: Snapshot, node: NodeView, info: NodeInfo) -> list[str]:
    link = info.link
    if link is None:
        return ["follows nobody"]
    if link.up:
        lag = snapshot.lag_bytes(node)
        seconds = _lag_seconds(snapshot, node.address)
        told = f", {seconds} s" if seconds is not None else ""
        facts = [f"link up  lag {size(lag)}{told}"]
    else:
        since = f" for {link.down_since_s} s" if link.down_since_s is not None else ""
        left = f", {size(link.sync_left_bytes)} to go" if link.sync_left_bytes else ""
        facts = [f"link down{since}" + (f", syncing{left}" if link.sync_in_progress else "")]
    if snapshot.node(link.master) is None:
        facts.append(f"follows {link.master}")
    if info.priority == 0:
        facts.append("never promoted (priority 0)")
    return facts


def _lag_seconds(snapshot: Snapshot, replica: Address) -> int | None:
    attached = (one for node in snapshot.masters if node.info for one in node.info.replicas)
    return next((one.lag_s for one in attached if one.address == replica), None)


def silence(unasked: Unasked | None) -> str:
    """Why there is no answer."""
    return f"{unasked.reason}: {unasked.why}" if unasked else "no answer"
