"""The one setting of a group that a failover changes for a while: automatic failover, and Multi-AZ with it.

AWS takes Multi-AZ only with automatic failover, so they are one setting here: they are put back together or not at all.
No I/O here but through Hands.
"""

from __future__ import annotations

from actions.kit.elasticache.views import GroupView
from actions.kit.elasticache.words import AVAILABLE, DISABLED, ENABLED
from actions.kit.errors import NotYet
from actions.kit.plan import Held
from actions.kit.ports import Hands
from actions.kit.steps import until

NAME = "automatic-failover"
OFF, ON, ON_MULTI_AZ = "disabled", "enabled", "enabled with Multi-AZ"
ASKED_WITHIN_S = 15.0
"""How long a debt waits for AWS in one go; what takes longer is looked at again later."""
EVERY_S = 1.0


def value_of(group: GroupView) -> str:
    """What the setting is.

    Raises:
        NotYet: AWS is about to change something, maybe this.
    """
    if group.status != AVAILABLE or group.automatic_failover not in (ENABLED, DISABLED):
        raise NotYet(
            f"{group.name} is {group.status}, automatic failover is {group.automatic_failover}: AWS is at work on it"
        )
    if group.automatic_failover == DISABLED:
        return OFF
    return ON_MULTI_AZ if group.multi_az == ENABLED else ON


async def change(hands: Hands, wanted: str, within_s: float = ASKED_WITHIN_S) -> str:
    """Give it this value, unless it has it, once AWS is at rest, and see that it is so; says what was seen.

    Raises:
        NotYet: AWS is still at work, on this or on something else.
    """
    asked = False

    async def look() -> Held:
        nonlocal asked
        value = value_of(await hands.elasticache.group())
        if value != wanted and not asked:
            multi_az = ENABLED if wanted == ON_MULTI_AZ else DISABLED
            await hands.elasticache.set_failover(DISABLED if wanted == OFF else ENABLED, multi_az)
            asked = True
        return Held(value == wanted, f"automatic failover is {value}")

    held = await until(look, hands, within_s, EVERY_S)
    return held.observation
