"""Lets the programs in pods look each other's names up as in a cluster, where this machine lets a process have mounts.

Every program that resolves names reads /etc/hosts: in a mount namespace of its own that is the cluster's file.
"""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# Without a name server nothing is asked outside of this machine, and what is not known is said at once.
_MOUNT = '"$1" --bind "$0" /etc/hosts && "$1" --bind /dev/null /etc/resolv.conf && shift && exec "$@"'


def with_names(names_file: Path) -> tuple[str, ...]:
    """The words that go before a program's own, so that it knows the names in this file.

    Raises:
        LookupError: this machine does not let us.
    """
    words = _words()
    if not words:
        raise LookupError("Pods cannot have names here: unshare may not make mount namespaces; leave hostnames out.")
    return (*words, str(names_file), shutil.which("mount") or "mount")


@functools.cache
def _words() -> tuple[str, ...]:
    unshare, shell = shutil.which("unshare"), shutil.which("sh")
    if unshare is None or shell is None:
        return ()
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    words = (unshare, *as_root, "--mount", shell, "-c", _MOUNT)
    with tempfile.NamedTemporaryFile() as file:
        tried = subprocess.run([*words, file.name, "mount", "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else ()


def write(names_file: Path, content: str) -> None:
    """Replace the file's content in place, since it may be mounted, and never have it empty in between."""
    names_file.touch()
    with names_file.open("r+b") as file:
        file.write(content.encode())
        file.truncate()
