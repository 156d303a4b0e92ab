"""The same for a shell: variables of an environment, by the runbook's names, and redis-cli. No I/O here."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from actions.kit.connecting import access
from actions.kit.connecting.doors import Doors, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from actions.kit.connecting.access import Argument
    from actions.kit.topology import Target


_BY_SENTINEL = """\
redis() {{ {node} "$@"; }}
ask() {{ {sentinel} "$@" 2>/dev/null; }}
for at in {places}; do  # Whichever Sentinel answers first.
  set -- $at
  set -- $(ask -h "$1" -p "$2" SENTINEL get-master-addr-by-name {master_name})
  [ $# -eq 2 ] && break
done
if [ $# -eq 2 ]; then redis -h "$1" -p "$2"; else echo "No Sentinel names a master." >&2; fi
"""

_IN_CLUSTER = """\
redis() {{ {node} "$@"; }}
ask() {{ {briefly} "$@" 2>/dev/null; }}
for at in {places}; do  # Whichever node answers first; it tells of the others.
  set -- $at
  [ "$(ask -h "$1" -p "$2" PING)" = PONG ] && break
done
redis -c -h "$1" -p "$2"
"""

_DIRECT = """\
redis() {{ {node} "$@"; }}
host={host} port={port}
redis -h "${{{variable}:-$host}}" -p "${{REDIS_PORT:-$port}}"
"""

_FLAGS = {
    "username": "--user",
    "ssl": "--tls",
    "ssl_ca_certs": "--cacert",
    "ssl_certfile": "--cert",
    "ssl_keyfile": "--key",
}
"""How redis-cli calls what redis-py has keywords for; it never checks the name in a certificate."""


def redis_cli(ways: Doors, target: Target) -> str:
    """Lines for a shell that end in redis-cli at whoever takes writes."""
    node, briefly = _command(access.of_nodes(target)), _command(access.of_nodes(target), "timeout 2 ")
    places = " ".join(shlex.quote(f"{one.host} {one.port}") for one in ways.addresses)
    if ways.entry is Entry.SENTINEL:
        sentinel = _command(access.of_sentinels(target), "timeout 2 ")
        name = shlex.quote(target.master_name)
        return _BY_SENTINEL.format(places=places, sentinel=sentinel, master_name=name, node=node)
    if ways.entry is Entry.CLUSTER:
        return _IN_CLUSTER.format(places=places, node=node, briefly=briefly)
    host, port = next(((shlex.quote(one.host), one.port) for one in ways.addresses), ("''", 6379))
    return _DIRECT.format(host=host, port=port, variable=ways.variable, node=node)


def _command(arguments: Iterable[Argument], briefly: str = "") -> str:
    """redis-cli with what lets it in; a password goes by the environment, since anybody can read arguments."""
    told = list(arguments)
    secret = "".join(f'REDISCLI_AUTH="${one.variable}" ' for one in told if one.keyword == "password")
    flags = ((_FLAGS[one.keyword], one.variable) for one in told if one.keyword in _FLAGS)
    words = (flag + (f' "${variable}"' if variable else "") for flag, variable in flags)
    return " ".join((f"{secret}{briefly}redis-cli", *words))


def variables(ways: Doors, target: Target) -> str:
    """Lines that a shell reads; what is secret is named in a comment, and not set."""
    of_sentinels = access.of_sentinels(target) if ways.entry is Entry.SENTINEL else ()
    set_to = dict(_places(ways, target))
    set_to |= {"REDIS_TLS": "true"} if target.tls else {}
    set_to |= {"REDIS_SENTINEL_TLS": "true"} if of_sentinels and target.sentinel_tls else {}
    lines = [f"{name}={shlex.quote(value)}" for name, value in set_to.items()]
    own = dict.fromkeys(one.variable for one in (*access.of_nodes(target), *of_sentinels) if one.variable)
    note = [f"# Yours to set, from where secrets are kept: {', '.join(own)}"] if own else []
    return "\n".join([*lines, *note, ""])


def _places(ways: Doors, target: Target) -> Mapping[str, str]:
    listed = ",".join(map(str, ways.addresses))
    if ways.entry is Entry.SENTINEL:
        return {"REDIS_SENTINELS": listed, "REDIS_MASTER_NAME": target.master_name}
    if ways.entry is Entry.CLUSTER:
        return {"REDIS_CLUSTER_NODES": listed}
    return {
        name: value
        for one in ways.addresses
        for name, value in ((ways.variable, one.host), ("REDIS_PORT", str(one.port)))
    }
