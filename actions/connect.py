"""``connect``: how an application connects to one target, as snippets of what is seen now."""

from __future__ import annotations

from actions.kit.action import Option, Options, Progress, ReadAction, Seen
from actions.kit.connecting import CLIENTS, connection
from actions.kit.diagnosis import diagnose
from actions.kit.errors import UsageError
from actions.kit.ports import Hands

CLIENT = Option("client", "NAME", f"Only the snippet for this client: {', '.join(CLIENTS)}.")


async def look(hands: Hands, options: Options, _progress: Progress) -> Seen:
    """Look once, and write the snippets.

    Raises:
        UsageError: there is no snippet for such a client.
    """
    wanted = options.get(CLIENT.name)
    if wanted is not None and wanted not in CLIENTS:
        raise UsageError(f"There is no snippet for {wanted[:40]!r}; there are {', '.join(CLIENTS)}.")
    snapshot = await hands.observe()
    clients = CLIENTS if wanted is None else (wanted,)
    return Seen(snapshot, diagnose(snapshot), connection=connection(snapshot, hands.target, clients))


ACTION = ReadAction(
    name="connect",
    summary="How an application connects: snippets that find the master and repeat nothing twice.",
    look=look,
    options=(CLIENT,),
)
