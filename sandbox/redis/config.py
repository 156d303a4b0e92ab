"""Decides what stands in the config files of a topology, and what the ACL user `tandem` may do. No I/O here."""

import hashlib
import secrets as tokens
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.redis.builds import Build
from sandbox.redis.certificates import TlsFiles
from sandbox.redis.managed import Config, managed_config

Address = tuple[str, int]

ACL_USER = "tandem"

DATA_ACL = (
    # Look.
    "+ping +info +role +dbsize +time +lastsave +config|get +client|list +client|id +client|setname +acl|whoami",
    "+pubsub|numsub +acl|log +slowlog|get",
    # Fence, hand over, and put back.
    "+config|set +config|rewrite +client|kill +client|pause +client|unpause +replicaof +failover +multi +exec +discard",
    # Probe with a key of its own.
    "~tandem:probe:* +set +get +del +wait",
)
"""What `tandem` may do on a data node: enough to diagnose and fail over, and no key of the application."""

CLUSTER_ACL = (
    # Look.
    "+cluster|info +cluster|nodes",
    # Read the probe on a replica.
    "+readonly",
    # Have a replica take over.
    "+cluster|failover",
)
"""What `tandem` may do beside that on a node of a cluster."""

SENTINEL_ACL = (
    "+ping +info +role +client|id +client|setname +client|list +client|kill +acl|whoami",
    "+sentinel|masters +sentinel|master +sentinel|replicas +sentinel|sentinels +sentinel|get-master-addr-by-name",
    "+sentinel|ckquorum +sentinel|myid +sentinel|info-cache +sentinel|failover +sentinel|set +publish",
    "allchannels +subscribe +psubscribe +unsubscribe +punsubscribe",
)
"""What `tandem` may do on a Sentinel: ask, listen, fail over, stop or call that back, tell it of a new master."""

# Redis 7.0 refuses rules for subcommands that it does not know.
_SINCE: tuple[tuple[tuple[int, int, int], str], ...] = (((7, 0, 0), "+acl|dryrun"), ((7, 2, 0), "+client|setinfo"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a topology is asked to be. Times in milliseconds; passwords None where none is set.

    `acl` adds the user `tandem` to every server and sets the passwords that were left out. `links` puts a TCP proxy in
    front of each data node; `nat` one in front of each server, which lets the other servers through and nobody else.
    `extra_config` is for data nodes and wins. `config_file=False` starts them with arguments only, so that CONFIG
    REWRITE fails, as with servers of the Bitnami images. `managed` keeps from the customer what ElastiCache does, see
    sandbox.redis.managed.
    """

    build: Build
    replicas: int = 2
    sentinels: int = 3
    quorum: int = 2
    master_name: str
    down_after_ms: int = 2000
    failover_timeout_ms: int = 10000
    password: str | None = None
    acl: bool = False
    sentinel_password: str | None = None
    tls: bool = False
    links: bool = False
    nat: bool = False
    appendonly: bool = False
    config_file: bool = True
    managed: bool = False
    extra_config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The passwords of one topology: of the default user on nodes and Sentinels, of `tandem` on both, of the provider.

    The provider is who runs a managed service; None where nobody does.
    """

    node: str | None
    sentinel: str | None
    tandem: str | None
    provider: str | None = None


def make_secrets(settings: Settings) -> Secrets:
    """The passwords that were asked for; with ACLs every user has one: one without would make the rules pointless."""

    def filled(password: str | None) -> str | None:
        return password or (tokens.token_hex(12) if settings.acl else None)

    return Secrets(
        node=filled(settings.password),
        sentinel=filled(settings.sentinel_password),
        tandem=filled(None),
        provider=tokens.token_hex(12) if settings.managed else None,
    )


def cluster_rules(build: Build) -> tuple[str, ...]:
    """The rules for a node of a cluster, as far as this version knows the subcommands."""
    shards = ("+cluster|shards",) if build.version >= (7, 0, 0) else ()
    return (*DATA_ACL, *CLUSTER_ACL, *shards)


def acl_rules(build: Build, rules: tuple[str, ...]) -> str:
    """The rules in ACL syntax, with what this version has beyond the oldest."""
    newer = (rule for since, rule in _SINCE if build.version >= since)
    return " ".join((*rules, *newer))


def data_config(
    settings: Settings,
    secrets: Secrets,
    tls: TlsFiles | None,
    *,
    bind: Address,
    announced: Address,
    master: Address | None,
    rules: tuple[str, ...] = DATA_ACL,
) -> Config:
    """The directives of a data node that replicates from `master`, or is it where that is None."""
    lines = {
        "save": '""',
        "appendonly": "yes" if settings.appendonly else "no",
        "repl-diskless-sync": "yes",
        "repl-diskless-sync-delay": "0",
        "replica-announce-ip": announced[0],
        "replica-announce-port": str(announced[1]),
    }
    if secrets.node:
        lines["masterauth"] = secrets.node
    if master:
        lines["replicaof"] = f"{master[0]} {master[1]}"
    common = _common(settings, bind, None if secrets.provider else secrets.node, tls)
    users = _users(settings, rules, secrets.tandem)
    managed = managed_config(secrets.node, secrets.provider, settings.build.version) if secrets.provider else ()
    return (*{**dict(common), **lines, **settings.extra_config}.items(), *users, *managed)


def sentinel_config(
    settings: Settings,
    secrets: Secrets,
    tls: TlsFiles | None,
    *,
    where: tuple[Address, Address],
    replicas: tuple[Address, ...],
    master: Address,
    others: tuple[Address, ...],
) -> Config:
    """The directives of a Sentinel that already knows the replicas and the other Sentinels.

    `where` is the address that it listens on, and the one that it announces.
    It would find them by itself, at its next INFO and by greetings every two seconds; what it then writes to its file
    are these same lines, and knowing them from the start saves each test those seconds.
    """
    name, (bind, announced) = settings.master_name, where
    monitor = [
        f"myid {_run_id(name, announced)}",
        f"monitor {name} {master[0]} {master[1]} {settings.quorum}",
        f"down-after-milliseconds {name} {settings.down_after_ms}",
        f"failover-timeout {name} {settings.failover_timeout_ms}",
        f"parallel-syncs {name} 1",
        *([f"auth-pass {name} {secrets.node}"] if secrets.node else []),
        *([f"sentinel-pass {secrets.sentinel}"] if secrets.sentinel else []),
        *(f"known-replica {name} {host} {port}" for host, port in replicas),
        *(f"known-sentinel {name} {host} {port} {_run_id(name, (host, port))}" for host, port in others),
        f"announce-ip {announced[0]}",
        f"announce-port {announced[1]}",
    ]
    return (
        *_common(settings, bind, secrets.sentinel, tls),
        *_users(settings, SENTINEL_ACL, secrets.tandem),
        *(("sentinel", line) for line in monitor),
    )


def _common(settings: Settings, bind: Address, password: str | None, tls: TlsFiles | None) -> Config:
    host, port = bind
    lines = [("bind", host), ("port", "0" if settings.tls else str(port)), ("protected-mode", "no"), ("dir", "./")]
    if tls:
        lines += [
            ("tls-port", str(port)),
            ("tls-replication", "yes"),
            ("tls-auth-clients", "optional"),
            ("tls-ca-cert-file", str(tls.ca_file)),
            ("tls-cert-file", str(tls.cert_file)),
            ("tls-key-file", str(tls.key_file)),
        ]
    if password:
        lines.append(("requirepass", password))
    return tuple(lines)


def _users(settings: Settings, rules: tuple[str, ...], password: str | None) -> Config:
    if not settings.acl:
        return ()
    return (("user", f"{ACL_USER} on >{password} {acl_rules(settings.build, rules)}"),)


def _run_id(master_name: str, address: Address) -> str:
    return hashlib.sha1(f"{master_name} {address}".encode(), usedforsecurity=False).hexdigest()
