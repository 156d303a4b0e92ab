"""The fence that outlives us, as settings of one node, and whether it is in force. No I/O here but through Hands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from actions.kit.errors import Unreachable
from actions.kit.plan import SettingChange
from actions.kit.ports import Hands
from actions.kit.roles import is_master
from actions.kit.snapshot import NodeConfig, NodeView
from actions.kit.topology import Address

FENCE, MAX_LAG = "min-replicas-to-write", "min-replicas-max-lag"
FENCE_REPLICAS = 1_000_000
"""The fence that outlives us: no master ever has so many replicas, so it refuses every write until this is put back."""
SCRIPTS_FENCED_SINCE = (7, 0)
SWITCHED_OFF = f"its {MAX_LAG} is 0, which switches {FENCE} off"
"""Nothing else does: any other value only says which replicas count, and no fence is reached by those there are."""

_FENCED = MappingProxyType({FENCE: str(FENCE_REPLICAS)})


def fence_of(node: Address, config: NodeConfig | None) -> tuple[SettingChange, ...]:
    """The settings by which a node refuses writes, with the old values from ``config``, else the servers' own.

    A min-replicas-max-lag of 0 switches min-replicas-to-write off altogether.
    """
    to_write = (config.min_replicas_to_write if config else None) or 0
    fence = SettingChange(node, FENCE, str(FENCE_REPLICAS), str(to_write))
    if config is not None and config.min_replicas_max_lag == 0:
        return (SettingChange(node, MAX_LAG, "10", "0"), fence)
    return (fence,)


def fence_until_followed(node: NodeView) -> tuple[SettingChange, ...]:
    """The settings by which a replica, once promoted, refuses writes until one node more follows it than now.

    It falls by itself when the others are sent to the new master, so that nobody has to be there to lift it. Nothing
    where its own settings do as much.
    """
    has = len(node.info.replicas) if node.info else 0
    to_write = (node.config.min_replicas_to_write if node.config else None) or 0
    lag = node.config.min_replicas_max_lag if node.config else None
    fence = (SettingChange(node.address, FENCE, str(has + 1), str(to_write)),) if to_write <= has else ()
    return ((SettingChange(node.address, MAX_LAG, "10", "0"),) if lag == 0 else ()) + fence


def price_of_fence(master: NodeView, pause_ms: int) -> Iterator[str]:
    """What it costs to fence this master, as sentences for the approver."""
    yield f"If Tandem dies between fence and switch, {master.address} refuses writes until Tandem starts again."
    if scripts_pass(master):
        yield (
            f"Scripts that write are held back only by the pause of {pause_ms} ms: "
            "before Redis 7.0 min-replicas-to-write does not stop them."
        )


def scripts_pass(node: NodeView | None) -> bool:
    """Whether a script that writes gets past the fence of this node: nothing but a pause holds it back."""
    info = node.info if node else None
    return info is not None and info.flavour == "redis" and info.version < SCRIPTS_FENCED_SINCE


def but_scripts(passing: bool) -> str:
    """What belongs to each claim that a node refuses writes or is closed; nothing where it refuses all of them."""
    return " (but for scripts that write: before Redis 7.0 only a pause holds those back)" if passing else ""


async def but_its_scripts(node: Address, hands: Hands) -> str:
    """As ``but_scripts``, where nobody could ask when the plan was made, or long ago."""
    return but_scripts(scripts_pass((await hands.observe()).node(node)))


def fence_left(node: NodeView) -> str | None:
    """What the fence of an earlier run does to a master, as the rest of a sentence; ``None`` where it left none."""
    if node.config is None or node.config.min_replicas_to_write != FENCE_REPLICAS:
        return None
    if node.config.min_replicas_max_lag == 0:
        return f"takes writes only because {SWITCHED_OFF}"
    return f"still refuses writes{but_scripts(scripts_pass(node))}"


async def why_open(node: Address, hands: Hands, fence: Mapping[str, str] = _FENCED) -> str | None:
    """What of its settings lets a node take writes in spite of its fence; ``None`` where that is in force.

    Args:
        node: as a master, or to become one.
        hands: what asks it.
        fence: what was set on it, as CONFIG SET takes it.
    """
    seen = await hands.settings(node, (*dict.fromkeys((*fence, MAX_LAG)),))
    if seen.get(MAX_LAG) == "0":
        return SWITCHED_OFF
    gone = [f"its {name} is {seen.get(name, 'unknown')}" for name, value in fence.items() if seen.get(name) != value]
    return ", ".join(gone) or None


async def is_fenced(node: Address, hands: Hands) -> bool:
    """Whether the fence that outlives us is in force on this node: set, and not switched off."""
    return await why_open(node, hands) is None


async def keeps_fence(node: Address, hands: Hands) -> bool:
    """Whether the fence that outlives us is still to be put back on this node, be it in force or not."""
    return (await hands.settings(node, (FENCE,))).get(FENCE) == str(FENCE_REPLICAS)


async def takes_writes(node: Address, hands: Hands) -> bool:
    """Whether this node is a master without the fence; one that is dead, or wakes up with its fence, is not.

    One that was restarted since it was fenced may be, and one that somebody gave its writes back.
    """
    try:
        return (await is_master(node, hands)).yes and not await is_fenced(node, hands)
    except Unreachable:
        return False
