"""Series as Prometheus would have them, those of a healthy deployment, and what rules make of it, by promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "redis.rules.yml"
TANDEM_RULES = RULES.with_name("tandem.rules.yml")
NODES = tuple(f"redis://10.0.0.{number}:6379" for number in (1, 2, 3))
SENTINELS = tuple(f"redis://10.0.0.{number}:26379" for number in (1, 2, 3))
EXPORTER = "10.0.0.9:9121"
SAMPLES = 79
LATE = 900
"""Seconds after which everything that fires fires."""
STEP_S = 15

Values = str | float
"""What a series is over time, as promtool writes it, such as ``1x4 0x60``; a number: that for all the time."""


@dataclass
class Series:
    """What Prometheus has scraped, by metric and labels; ``common``: labels of every series, unless it has others."""

    common: dict[str, str] = field(
        default_factory=lambda: {"group": "orders", "job": "redis", "instance": NODES[0]},
    )
    values: dict[tuple[str, tuple[tuple[str, str], ...]], Values] = field(default_factory=dict)

    def put(self, metric: str, values: Values, /, **labels: str) -> None:
        """One series."""
        self.values[metric, tuple(sorted((self.common | labels).items()))] = values

    def drop(self, metric: str, **labels: str) -> None:
        """Take every series of this metric away that has these labels."""
        wanted = set(labels.items())
        self.values = {
            key: value for key, value in self.values.items() if key[0] != metric or not wanted <= set(key[1])
        }

    def as_yaml(self) -> list[dict[str, str]]:
        """As ``input_series`` of promtool."""
        return [
            {
                "series": metric + "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}",
                "values": values if isinstance(values, str) else f"{values:g}x{SAMPLES}",
            }
            for (metric, labels), values in self.values.items()
        ]


def healthy(*, cluster: bool = False) -> Series:
    """One master, two replicas and three Sentinels; as a cluster three primaries that have a replica each."""
    series = Series()
    for node in NODES:
        _node(series, node, is_master=cluster or node == NODES[0], cluster=cluster)
    series.put("up", 1, job="redis-exporter", instance=EXPORTER)
    for sentinel in () if cluster else SENTINELS:
        _sentinel(series, sentinel)
    return series


def _node(series: Series, node: str, *, is_master: bool, cluster: bool) -> None:
    role = "master" if is_master else "slave"
    for metric, value in {
        "up": 1,
        "redis_up": 1,
        "redis_connected_slaves": (1 if cluster else 2) if is_master else 0,
        "redis_memory_used_bytes": 50,
        "redis_memory_max_bytes": 100,
        "redis_connected_clients": 10,
        "redis_config_maxclients": 100,
        "redis_rejected_connections_total": 0,
        "redis_evicted_keys_total": 0,
        "redis_rdb_last_bgsave_status": 1,
        "redis_aof_enabled": 0,
        "redis_aof_last_write_status": 1,
        "redis_replication_backlog_bytes": 1_000_000,
        "redis_cluster_enabled": int(cluster),
    }.items():
        series.put(metric, value, instance=node)
    series.put(
        "redis_instance_info",
        1,
        instance=node,
        role=role,
        redis_mode="",
        maxmemory_policy="noeviction",
        run_id=node[-6],
    )
    if cluster:
        series.put("redis_cluster_state", 1, instance=node)
        series.put("redis_cluster_slots_ok", 16384, instance=node)
    elif is_master:
        series.put("redis_master_repl_offset", "0+1500x79", instance=node)
        for replica in ("10.0.0.2", "10.0.0.3"):
            follows = {"slave_ip": replica, "slave_port": "6379", "slave_state": "online"}
            series.put("redis_connected_slave_lag_seconds", 1, instance=node, **follows)
            series.put("redis_connected_slave_offset_bytes", "0+1500x79", instance=node, **follows)
    else:
        series.put("redis_master_link_up", 1, instance=node, master_host="10.0.0.1", master_port="6379")


def _sentinel(series: Series, sentinel: str) -> None:
    at: dict[str, str] = {"job": "redis-sentinel", "instance": sentinel}
    series.put("up", 1, **at)
    series.put("redis_up", 1, **at)
    series.put("redis_sentinel_tilt", 0, **at)
    series.put("redis_sentinel_master_ckquorum_status", 1, **at, master_name="orders", message="OK 3 usable Sentinels.")
    named = {"master_name": "orders", "master_address": "10.0.0.1:6379"}
    series.put("redis_sentinel_master_ok_slaves", 2, **at, **named)
    series.put("redis_sentinel_master_status", 1, **at, **named, master_status="ok")


class Case(NamedTuple):
    """What happens to what is well, and which alerts fire after so many seconds, and how many of each."""

    happens: Callable[[Series], object]
    fires: Mapping[str, int]
    at_s: int = LATE
    well: Callable[[], Series] = healthy


def each(*steps: Callable[[Series], object]) -> Callable[[Series], object]:
    """All of these happen."""
    return lambda series: [step(series) for step in steps]


def put(metric: str, values: Values, **labels: str) -> Callable[[Series], object]:
    """One series is otherwise."""
    return lambda series: series.put(metric, values, **labels)


def made_of(case: Case, folder: Path, rules: Path) -> dict[str, int]:
    """What these rules make of a case."""
    series = case.well()
    case.happens(series)
    return firing(series, case.at_s, folder, rules)


def alert_names(rules: Path = RULES) -> tuple[str, ...]:
    """Every alert of the rules, in their order."""
    groups = yaml.safe_load(rules.read_text())["groups"]
    return tuple(rule["alert"] for group in groups for rule in group["rules"])


def firing(series: Series, at_s: int, folder: Path, rules: Path = RULES) -> dict[str, int]:
    """Which alerts fire after so many seconds, and how many of each; nothing but what promtool itself finds.

    promtool has no question "what fires": it is told to expect none of any, and says what it got instead.
    """
    expected = [{"eval_time": f"{at_s}s", "alertname": name, "exp_alerts": []} for name in alert_names(rules)]
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": f"{STEP_S}s",
        "tests": [{"interval": f"{STEP_S}s", "input_series": series.as_yaml(), "alert_rule_test": expected}],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    if "error" in done.stderr.lower():
        raise AssertionError(done.stderr)
    return _counted(done.stdout + done.stderr)


def _counted(output: str) -> dict[str, int]:
    found: dict[str, int] = {}
    name = ""
    for line in output.splitlines():
        words = line.strip()
        if words.startswith("alertname:"):
            name = words.removeprefix("alertname:").split(",")[0].strip()
        if words.startswith("got:"):
            found[name] = 0
        if name and "Labels:{" in words:
            found[name] = found.get(name, 0) + words.count("Labels:{")
    return {name: count for name, count in found.items() if count}


def broken(text: str, old: str, new: str, folder: Path) -> Path:
    """The rules with one piece replaced, as a file."""
    if old not in text:
        raise LookupError(old)
    path = folder / "broken.rules.yml"
    path.write_text(text.replace(old, new))
    return path
