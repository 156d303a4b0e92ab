"""Starts a data node or a Sentinel in its pod as the start scripts of the Bitnami images do.

It decides who is master at this moment, writes the configuration for that, and becomes the server. It runs without any
package, since every start of a container waits for it.
"""

import argparse
import hashlib
import os
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

_ASK_S = 10.0
"""A Sentinel that is only slow must not make the first pod a second master."""
_WAIT_S = 60.0
_POLL_S = 0.05

ROOT = Path(os.environ["SANDBOX_ROOT"])
POD_IP = os.environ["SANDBOX_POD_IP"]
POD_NAME = os.environ["HOSTNAME"]
PASSWORD = os.environ.get("REDIS_PASSWORD", "")


def main() -> None:
    """Become what the arguments say."""
    arguments = _arguments()
    if arguments.hostnames:
        _waited_for(_own_name(arguments))
    match arguments.role:
        case "sentinel":
            _sentinel(arguments)
        case "sentinel-node":
            _data_node(arguments, _known_master(arguments))
        case "cluster-node":
            flags = ("--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-announce-ip", POD_IP)
            _data_node(arguments, None, *flags)
        case "replica":
            _data_node(arguments, (_waited_for(arguments.master), arguments.port))
        case _:
            _data_node(arguments, None)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("master", "replica", "sentinel-node", "sentinel", "cluster-node"))
    parser.add_argument("--port", type=int, default=6379)
    parser.add_argument("--sentinel-port", type=int, default=26379)
    parser.add_argument("--master", default="", help="the name of the master's Service or pod")
    parser.add_argument("--service", default="", help="the Service with every Sentinel")
    parser.add_argument("--headless", default="", help="the Service that gives each pod its name")
    parser.add_argument("--master-set", default="mymaster")
    parser.add_argument("--quorum", default="2")
    parser.add_argument("--down-after-ms", default="60000")
    parser.add_argument("--failover-timeout-ms", default="180000")
    parser.add_argument("--hostnames", action="store_true", help="announce names, not addresses")
    parser.add_argument("flags", nargs="*", help="passed on to redis-server")
    return parser.parse_args()


def _data_node(arguments: argparse.Namespace, master: tuple[str, int] | None, *flags: str) -> NoReturn:
    """With arguments only and no configuration file, so that CONFIG REWRITE fails as with the real images."""
    words = ["--bind", POD_IP, "--port", str(arguments.port), "--dir", str(ROOT / "data")]
    words += ["--protected-mode", "no", "--save", "", "--appendonly", "yes"]
    words += ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]
    words += ["--rename-command", "FLUSHDB", "", "--rename-command", "FLUSHALL", ""]
    words += ["--replica-announce-ip", _own_name(arguments), "--replica-announce-port", str(arguments.port)]
    if PASSWORD:
        words += ["--requirepass", PASSWORD, "--masterauth", PASSWORD]
    if master is not None and master[0] not in (POD_IP, _own_name(arguments)):
        words += ["--replicaof", master[0], str(master[1])]
    _become("redis-server", *words, *flags, *arguments.flags)


def _sentinel(arguments: argparse.Namespace) -> NoReturn:
    name = arguments.master_set
    host, port = _known_master(arguments)
    lines = [
        f"bind {POD_IP}",
        f"port {arguments.sentinel_port}",
        "protected-mode no",
        f"sentinel myid {_run_id(POD_NAME)}",
        *(["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"] if arguments.hostnames else []),
        f"sentinel monitor {name} {host} {port} {arguments.quorum}",
        f"sentinel down-after-milliseconds {name} {arguments.down_after_ms}",
        f"sentinel failover-timeout {name} {arguments.failover_timeout_ms}",
        f"sentinel parallel-syncs {name} 1",
        f"sentinel announce-ip {_own_name(arguments)}",
        f"sentinel announce-port {arguments.sentinel_port}",
        *_others(arguments, host),
    ]
    if PASSWORD:
        lines += [f"requirepass {PASSWORD}", f"sentinel auth-pass {name} {PASSWORD}"]
    path = ROOT / "sentinel.conf"
    path.write_text("".join(f"{line}\n" for line in lines))
    _become("redis-server", str(path), "--sentinel")


def _others(arguments: argparse.Namespace, master: str) -> list[str]:
    """The pods that are there already, which this Sentinel need not find by itself."""
    name, lines = arguments.master_set, []
    for pod, ip in _peers(arguments.headless).items():
        known = f"{pod}.{arguments.headless}" if arguments.hostnames else ip
        if pod != POD_NAME:
            lines.append(f"sentinel known-sentinel {name} {known} {arguments.sentinel_port} {_run_id(pod)}")
        if known != master:
            lines.append(f"sentinel known-replica {name} {known} {arguments.port}")
    return lines


def _known_master(arguments: argparse.Namespace) -> tuple[str, int]:
    """The master that a Sentinel names; where none answers, the first pod makes itself it, whatever its data."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        for host in _addresses(arguments.service):
            if found := _asked(host, arguments.sentinel_port, arguments.master_set):
                return found
        if POD_NAME.endswith("-0"):
            return _own_name(arguments), arguments.port
        time.sleep(_POLL_S)
    sys.exit("No Sentinel names a master.")


def _asked(host: str, port: int, master_set: str) -> tuple[str, int] | None:
    """What this Sentinel says; None where it does not answer or does not know."""
    question = f"SENTINEL GET-MASTER-ADDR-BY-NAME {master_set}\r\n"
    login = f"AUTH {PASSWORD}\r\n" if PASSWORD else ""
    try:
        with socket.create_connection((host, port), _ASK_S) as connection:
            connection.settimeout(_ASK_S)
            connection.sendall((login + question).encode())
            reader = connection.makefile("r", newline="\r\n")
            if login:
                reader.readline()
            if not reader.readline().startswith("*2"):
                return None
            lines = [reader.readline().strip() for _ in range(4)]
    except OSError:
        return None
    return lines[1], int(lines[3])


def _waited_for(name: str) -> str:
    """The address of this name, as soon as it has one."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        if found := _addresses(name):
            return found[0]
        time.sleep(_POLL_S)
    sys.exit(f"Could not resolve {name}: Name or service not known")


def _addresses(name: str) -> list[str]:
    return [ip for ip, names in _hosts() if name in names]


def _peers(headless: str) -> dict[str, str]:
    """The pods behind the headless Service, each with its address."""
    found: dict[str, str] = {}
    for ip, names in _hosts():
        found |= {name.partition(".")[0]: ip for name in names if name.endswith(f".{headless}")}
    return found


def _hosts() -> list[tuple[str, list[str]]]:
    lines = [line.split() for line in Path(os.environ["SANDBOX_HOSTS"]).read_text().splitlines()]
    return [(words[0], words[1:]) for words in lines if words]


def _own_name(arguments: argparse.Namespace) -> str:
    return f"{POD_NAME}.{arguments.headless}" if arguments.hostnames else POD_IP


def _run_id(pod: str) -> str:
    return hashlib.sha1(f"{pod}\n".encode(), usedforsecurity=False).hexdigest()


def _become(program: str, *words: str) -> NoReturn:
    """Say so in the log as the real scripts do, without passwords, and go on as this program."""
    sys.stdout.write(f"{program} starts as {words[0] if len(words) < 3 else 'a data node'} at {POD_IP}\n")
    sys.stdout.flush()
    os.execvp(program, [program, *words])  # noqa: S606 - There is no shell, nor should there be one.


if __name__ == "__main__":
    main()
