"""A disk of a few megabytes for each server of a topology: a tmpfs in a mount namespace of its own, gone with it."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.redis import Build
from tests.scenarios.scenario import Stage
from tests.scenarios.stages import replication

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
DISK = "disk"


@functools.cache
def may_be_mounted() -> bool:
    """Whether this system lets anybody mount something for himself alone."""
    try:
        tried = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@asynccontextmanager
async def on_a_small_disk(build: Build, settings: Mapping[str, Any]) -> AsyncIterator[Stage]:
    """A master and two replicas with nobody in charge, each with an AOF on a disk of four megabytes."""
    with TemporaryDirectory(prefix="tandem-disk-") as folder:
        server = Path(folder) / "server"
        mounting = f'mount -t tmpfs -o size=4m tmpfs {DISK} && exec "$0" "$@"'
        server.write_text(
            f"#!/bin/sh\nmkdir -p {DISK}\nexec {' '.join(NAMESPACE)} sh -c '{mounting}' {build.server_path} \"$@\"\n"
        )
        server.chmod(0o755)
        config = {"dir": DISK, "appendonly": "yes"}
        async with replication(replace(build, server_path=server), {**settings, "extra_config": config}) as stage:
            yield stage
