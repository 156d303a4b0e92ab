"""Decides what the customer of a managed service such as ElastiCache cannot do on its nodes. No I/O here.

Whole commands are renamed, so that they are unknown, as on ElastiCache; what replicas need (PSYNC) and subcommands are
kept by the ACL. FAILOVER is not in the published list of restricted commands; it is kept as well, since whoever hands
over a managed primary behind its provider's back has the worst of both.
"""

import secrets

Config = tuple[tuple[str, str], ...]

PROVIDER = "provider"
"""The ACL user of who runs the service: every command, the renamed ones by their other names."""

_KEPT = (
    "BGREWRITEAOF",
    "BGSAVE",
    "CONFIG",
    "DEBUG",
    "FAILOVER",
    "MIGRATE",
    "REPLICAOF",
    "SAVE",
    "SHUTDOWN",
    "SLAVEOF",
    "SYNC",
)
RENAMED = {name: f"{name}-{secrets.token_hex(6)}" for name in _KEPT}
"""For each command that the customer does not have the name that only the provider knows."""

_CUSTOMER = (
    "~* &* +@all -psync -acl +acl|whoami -cluster +cluster|info +cluster|nodes +cluster|slots +cluster|myid "
    "+cluster|keyslot +cluster|countkeysinslot +cluster|getkeysinslot"
)
"""ElastiCache's list also names the subcommands that change ACL and cluster; asking stays allowed."""


def managed_config(password: str | None, provider_password: str, version: tuple[int, int, int]) -> Config:
    """The directives of a data node whose default user is the customer; `password` is None where none is set."""
    customer = f"{_CUSTOMER} +cluster|shards" if version >= (7, 0, 0) else _CUSTOMER
    return (
        *(("rename-command", f"{name} {other}") for name, other in RENAMED.items()),
        ("user", f"default on {f'>{password}' if password else 'nopass'} {customer}"),
        ("user", f"{PROVIDER} on >{provider_password} ~* &* +@all"),
        ("masteruser", PROVIDER),
        ("masterauth", provider_password),
    )
