"""What is asked of a node only where something is amiss: how it takes replicas, whom it refused, what held it up.

No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody who was refused by the ACL or for a password. Source: ACL LOG; the user's name is not kept."""

    why: str
    """``auth``, ``command``, ``key`` or ``channel``."""
    command: str
    """What it was refused, in lower case; empty for keys and channels, which are not kept."""
    host: str
    """Where it came from."""
    times: int
    age_s: float


@dataclass(frozen=True, slots=True)
class SlowCommand:
    """A command that held the node up. Source: SLOWLOG; its arguments are not kept."""

    number: int
    """They are counted up as long as the process lives."""
    at_s: int
    """In seconds since 1970, by the node's own clock."""
    took_us: int
    name: str


@dataclass(frozen=True, slots=True)
class Closer:
    """A closer look at one node; ``None`` where it did not say. Source: CONFIG GET, ACL LOG, SLOWLOG."""

    protected_mode: bool | None = None
    has_password: bool | None = None
    """``requirepass`` is set; what it is is not kept."""
    has_master_user: bool | None = None
    port: int | None = None
    """Without TLS; 0: there is none."""
    tls_port: int | None = None
    diskless: bool | None = None
    """``repl-diskless-sync``: a full sync needs no file."""
    replica_buffer: int | None = None
    """The hard limit of ``client-output-buffer-limit replica`` in bytes; 0: there is none."""
    replica_soft: tuple[int, int] | None = None
    """Its soft limit in bytes, and for how many seconds that may be passed; 0: there is none."""
    serves_stale: bool | None = None
    """``replica-serve-stale-data``: it answers without its link too."""
    refused: tuple[Refused, ...] = ()
    slow: tuple[SlowCommand, ...] = ()
