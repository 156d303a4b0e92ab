"""Who holds a run: a process on a host. One that is known to be gone need not be waited for."""

from __future__ import annotations

import os
import secrets
import socket

_ours: set[str] = set()


def myself() -> str:
    """This process, as ``host:pid:token``; the token tells it from an earlier one that had the same number."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    _ours.add(owner)
    return owner


def is_gone(owner: str, me: str) -> bool:
    """Whether this owner was a process of our own host that no longer exists.

    Of other hosts nothing is known, so their leases are waited for. A process that was stopped still exists.
    """
    host, pid, _ = owner.rsplit(":", 2)
    my_host, my_pid, _ = me.rsplit(":", 2)
    if host != my_host or owner in _ours:
        return False
    if pid == my_pid:
        return True  # We have its number now, so it is gone.
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
