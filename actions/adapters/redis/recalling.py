"""Calls back what was to change a server and got no answer: a forwarder may hold it, and deliver it much later.

Closing our end of such a connection does not help. So each one is named before it changes anything, and is found by
that and closed at the server's end: what has not arrived by then never does. The name survives this process as well.
"""

from __future__ import annotations

from actions.adapters.redis.connection import Command, CommandFailed, Node, Reply
from actions.adapters.redis.failures import as_error

_CHANGING = "tandem-changes"
"""How a connection calls itself for as long as a change that it has sent is not answered."""
_UNNAME: Command = ("CLIENT", "SETNAME", "")


async def named(server: Node) -> tuple[Command, ...]:
    """Name the connection; gives what ends that, to be sent together with the change.

    Where we may not name it the change is made all the same, and cannot be called back. A connection that a Sentinel
    has closed since is found out here, where nothing has been changed yet, and another one is named instead.
    """
    (answer,) = await server.ask(("CLIENT", "SETNAME", _CHANGING), repeatable=True)
    return () if isinstance(answer, CommandFailed) else (_UNNAME,)


async def recall(server: Node) -> None:
    """Close every connection to this server, but for the asking one, that has sent a change and got no answer."""
    _, clients = await server.ask(_UNNAME, ("CLIENT", "LIST", "TYPE", "normal"), repeatable=True)
    lines = _good(server, "CLIENT LIST", clients).decode(errors="replace").splitlines()
    for line in lines:
        fields = dict(word.partition("=")[::2] for word in line.split()) if _CHANGING in line else {}
        if fields.get("name") == _CHANGING:
            (answer,) = await server.ask(("CLIENT", "KILL", "ID", fields.get("id", "")))
            if not (isinstance(answer, CommandFailed) and "No such client" in answer.text):
                _good(server, "CLIENT KILL", answer)


def _good(server: Node, what: str, answer: Reply) -> Reply:
    if isinstance(answer, CommandFailed):
        raise as_error(f"{server.name} {what}", answer)
    return answer
