"""What was sent to a node, got no answer, and may still arrive: it is called back before anything is undone.

No I/O here but through Hands.
"""

from __future__ import annotations

from actions.kit.errors import Permanent
from actions.kit.ports import Hands
from actions.kit.topology import Place


async def called_back(node: Place, hands: Hands) -> str:
    """See that no earlier change arrives at this node any more: what is put back from now on stays so.

    Returns:
        What to add to the note of an undoing: nothing, or where we may not do this, what can still happen.

    Raises:
        Unreachable: it cannot be seen now.
    """
    try:
        await hands.recall(node)
    except Permanent as error:
        return f"; what it has not answered cannot be called back, and a forwarder may deliver it late ({error})"
    return ""
