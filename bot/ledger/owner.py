"""Who holds a run: a process on a host. One that is known to be gone need not be waited for."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_ours: set[str] = set()


def myself() -> str:
    """This process, as ``host:pid:token``; the token tells it from an earlier one that had the same number.

    The host comes with its space of process numbers: containers of the same name each have a process 1.
    """
    owner = f"{socket.gethostname()}/{_numbers()}:{os.getpid()}:{secrets.token_hex(4)}"
    _ours.add(owner)
    return owner


def _numbers() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:  # Only Linux has them apart.
        return ""


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
