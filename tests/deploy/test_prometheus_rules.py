"""Each alert is made true, and stays silent where it would be wrong; promtool evaluates the rules themselves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.deploy.promtool import (
    EXPORTER,
    NODES,
    ROOT,
    RULES,
    SENTINELS,
    Case,
    Series,
    alert_names,
    broken,
    each,
    healthy,
    made_of,
    put,
)

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus package")

MASTER, REPLICA, OTHER = NODES
NAMED = {"master_name": "orders", "master_address": "10.0.0.1:6379"}


def _drop(metric: str, **labels: str) -> Callable[[Series], object]:
    return lambda series: series.drop(metric, **labels)


def _is_master(node: str) -> Callable[[Series], object]:
    return each(
        _drop("redis_instance_info", instance=node),
        put(
            "redis_instance_info",
            1,
            instance=node,
            role="master",
            redis_mode="",
            maxmemory_policy="noeviction",
        ),
        put("redis_connected_slaves", 2, instance=node),
    )


def _policy(policy: str) -> Callable[[Series], object]:
    info = {"role": "master", "redis_mode": "", "maxmemory_policy": policy}
    return each(_drop("redis_instance_info", instance=MASTER), put("redis_instance_info", 1, **info))


def _votes(metric: str, *values: str | float) -> Callable[[Series], object]:
    """What each Sentinel says by this metric, the labels as always."""
    labels = {"master_name": "orders"}
    labels |= {"message": "OK 3 usable Sentinels."} if metric.endswith("ckquorum_status") else {}
    at = zip(SENTINELS, values, strict=True)
    return each(*(put(metric, value, job="redis-sentinel", instance=one, **labels) for one, value in at))


def _sentinels_down(*which: str) -> Callable[[Series], object]:
    gone = ("redis_up", "redis_sentinel_master_status", "redis_sentinel_master_ok_slaves")
    gone += ("redis_sentinel_master_ckquorum_status", "redis_sentinel_tilt")
    drops = [_drop(metric, job="redis-sentinel", instance=one) for metric in gone for one in which]
    return each(*drops, *(put("up", 0, job="redis-sentinel", instance=one) for one in which))


def _named_by(sentinel: str, address: str, status: str = "ok", values: str | float = 1) -> Callable[[Series], object]:
    labels = {"master_name": "orders", "master_address": address, "master_status": status}
    return put("redis_sentinel_master_status", values, job="redis-sentinel", instance=sentinel, **labels)


def _switches(sentinel: str) -> Callable[[Series], object]:
    """The Sentinel names the second node from 450 s on."""
    return each(
        _named_by(sentinel, "10.0.0.1:6379", values="1x29 stale"),
        _named_by(sentinel, "10.0.0.2:6379", values="_x30 1x49"),
    )


def _falls_behind(series: Series) -> None:
    """10,000 bytes a second are written and only 1,000 reach the replica, which goes on acknowledging."""
    series.put("redis_master_repl_offset", "0+150000x79")
    follows = {"slave_ip": "10.0.0.3", "slave_port": "6379", "slave_state": "online"}
    series.put("redis_connected_slave_offset_bytes", "0+15000x79", **follows)
    series.put("redis_connected_slave_offset_bytes", "0+150000x79", **(follows | {"slave_ip": "10.0.0.2"}))


def _busy_and_level(series: Series) -> None:
    """2 MB a second are written; a replica is one second of that behind, which is more than the backlog."""
    series.put("redis_master_repl_offset", "2000000+30000000x79")
    for replica in ("10.0.0.2", "10.0.0.3"):
        follows = {"slave_ip": replica, "slave_port": "6379", "slave_state": "online"}
        series.put("redis_connected_slave_offset_bytes", "0+30000000x79", **follows)


cluster = partial(healthy, cluster=True)

CASES = {
    "all is well": Case(lambda _series: None, {}),
    "all is well in a cluster": Case(lambda _series: None, {}, well=cluster),
    "a node is dead": Case(put("redis_up", "1x4 0x74", instance=REPLICA), {"RedisDown": 1}),
    "a node is dead for a moment": Case(put("redis_up", "1x4 0x74", instance=REPLICA), {}, at_s=80),
    "a node hangs and the scrape runs out of time": Case(
        each(put("up", "1x4 0x74", instance=REPLICA), put("redis_up", "1x4 stale", instance=REPLICA)),
        {"RedisDown": 1},
    ),
    "the master is dead": Case(
        each(
            put("redis_up", 0),
            *(_drop(one, instance=MASTER) for one in ("redis_instance_info", "redis_connected_slaves")),
        ),
        {"RedisDown": 1, "RedisNoMaster": 1},
    ),
    "two masters": Case(_is_master(REPLICA), {"RedisSplitBrain": 1}),
    "two masters for as long as Sentinel needs": Case(
        put(
            *("redis_instance_info", "_x4 1x1 stale"),
            instance=REPLICA,
            role="master",
            redis_mode="",
            maxmemory_policy="noeviction",
        ),
        {},
        at_s=75,
    ),
    "the exporter is dead": Case(
        lambda series: [
            series.put(metric, 0 if metric == "up" else "stale", **dict(labels))
            for metric, labels in list(series.values)
        ],
        {"RedisExporterDown": 1},
    ),
    "nothing is scraped": Case(_drop("up", job="redis"), {"RedisNotWatched": 1}),
    "the master has no replica": Case(
        put("redis_connected_slaves", 0), {"RedisReplicationBroken": 1, "RedisReplicaMissing": 1}
    ),
    "one of two replicas is gone": Case(put("redis_connected_slaves", 1), {"RedisReplicaMissing": 1}),
    "a replica has lost its link": Case(
        each(
            _drop("redis_master_link_up", instance=REPLICA),
            put("redis_master_link_up", "0x40 stale", instance=REPLICA, master_host="10.0.0.1", master_port="6379"),
            put("redis_master_link_up", "_x40 0x38", instance=REPLICA, master_host="10.0.0.3", master_port="6379"),
        ),
        {"RedisReplicaLinkDown": 1},
        at_s=615,
    ),
    "a replica is silent and not dropped yet": Case(
        put(
            *("redis_connected_slave_lag_seconds", "1 15 30 45 stale"),
            slave_ip="10.0.0.2",
            slave_port="6379",
            slave_state="online",
        ),
        {"RedisReplicationLag": 1},
        at_s=45,
    ),
    "a slow replica that acknowledges": Case(_falls_behind, {"RedisReplicationLagBytes": 1}),
    "a second of heavy writes": Case(_busy_and_level, {}),
    "memory is nearly full": Case(put("redis_memory_used_bytes", 95), {"RedisMemoryHigh": 1}),
    "a cache is full as it should be": Case(each(put("redis_memory_used_bytes", 99), _policy("allkeys-lru")), {}),
    "memory is full": Case(put("redis_memory_used_bytes", 99), {"RedisMemoryHigh": 1, "RedisMemoryFull": 1}),
    "memory without a limit": Case(put("redis_memory_max_bytes", 0), {"RedisMemoryUnlimited": 1}),
    "the very first write refused": Case(
        put("redis_errors_total", "_x20 1x58", err="MISCONF"), {"RedisWritesRefused": 1}, at_s=330
    ),
    "writes refused long ago, to a node that is new to Prometheus": Case(
        each(
            put("redis_errors_total", "_x20 7x58", err="OOM", instance="redis://10.0.0.4:6379"),
            put("redis_up", "_x20 1x58", instance="redis://10.0.0.4:6379"),
        ),
        {},
        at_s=330,
    ),
    "evictions": Case(put("redis_evicted_keys_total", "0+150x79"), {"RedisEvicting": 1}),
    "many clients": Case(put("redis_connected_clients", 85), {"RedisClientsNearLimit": 1}),
    "clients turned away": Case(
        put("redis_rejected_connections_total", "0x40 5x38"), {"RedisConnectionsRejected": 1}, at_s=630
    ),
    "a save failed": Case(put("redis_rdb_last_bgsave_status", 0), {"RedisSaveFailed": 1}),
    "an AOF that is off cannot fail": Case(put("redis_aof_last_write_status", 0), {}),
    "an append failed": Case(
        each(put("redis_aof_last_write_status", 0), put("redis_aof_enabled", 1)), {"RedisAppendFailed": 1}
    ),
    "Sentinels hold the master down": Case(
        _named_by(SENTINELS[0], "10.0.0.1:6379", "odown"), {"RedisSentinelMasterDown": 1}
    ),
    "a failover": Case(each(*map(_switches, SENTINELS)), {"RedisMasterChanged": 1}, at_s=510),
    "a failover five minutes later": Case(each(*map(_switches, SENTINELS)), {}, at_s=810),
    "Sentinels that are new to Prometheus": Case(
        lambda series: [
            series.put(metric, f"_x20 {value:g}x58", **dict(labels))
            for (metric, labels), value in list(series.values.items())
            if metric.startswith("redis_sentinel_")
        ],
        {},
        at_s=330,
    ),
    "Sentinels disagree": Case(
        each(_drop("redis_sentinel_master_status", instance=SENTINELS[2]), _named_by(SENTINELS[2], "10.0.0.2:6379")),
        {"RedisSentinelsDisagree": 1},
    ),
    "no Sentinel finds its quorum": Case(
        _votes("redis_sentinel_master_ckquorum_status", 0, 0, 0), {"RedisSentinelQuorumLost": 1}
    ),
    "one Sentinel of three is gone": Case(_sentinels_down(SENTINELS[0]), {"RedisSentinelDown": 1}),
    "no Sentinel is left": Case(_sentinels_down(*SENTINELS), {"RedisSentinelDown": 3, "RedisSentinelQuorumLost": 1}),
    "one Sentinel is cut off": Case(
        _votes("redis_sentinel_master_ckquorum_status", 1, 1, 0), {"RedisSentinelQuorumSplit": 1}
    ),
    "nobody can be promoted": Case(
        each(
            *(
                put("redis_sentinel_master_ok_slaves", 0, job="redis-sentinel", instance=one, **NAMED)
                for one in SENTINELS
            )
        ),
        {"RedisSentinelNoReplica": 1},
    ),
    "a Sentinel in TILT": Case(
        put("redis_sentinel_tilt", 1, job="redis-sentinel", instance=SENTINELS[1]), {"RedisSentinelTilt": 1}
    ),
    "the cluster is down": Case(
        each(put("redis_cluster_state", 0, instance=MASTER), put("redis_cluster_state", 0, instance=REPLICA)),
        {"RedisClusterDown": 1},
        well=cluster,
    ),
    "one node of a cluster is cut off": Case(
        put("redis_cluster_state", 0, instance=OTHER), {"RedisClusterNodeCutOff": 1}, well=cluster
    ),
    "slots that nobody serves": Case(
        each(*(put("redis_cluster_slots_ok", 10923, instance=node) for node in NODES)),
        {"RedisClusterSlotsUncovered": 1},
        well=cluster,
    ),
    "a primary without replica": Case(
        put("redis_connected_slaves", 0, instance=OTHER), {"RedisClusterReplicaMissing": 1}, well=cluster
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_fires(name: str, tmp_path: Path) -> None:
    assert made_of(CASES[name], tmp_path, RULES) == CASES[name].fires


def test_every_alert_was_seen_to_fire() -> None:
    assert {alert for case in CASES.values() for alert in case.fires} == set(alert_names())


BREAKAGES = {
    'unless on (group) up{job="redis-exporter"} == 0': ("", "the exporter is dead"),
    '(redis_up{job="redis"} or up{job="redis"}) == 0': (
        'redis_up{job="redis"} == 0',
        "a node hangs and the scrape runs out of time",
    ),
    " unless on (group, instance) redis_cluster_enabled == 1\n          ) > 1": (") > 1", "all is well in a cluster"),
    ' and on (group, instance) redis_instance_info{role="master"}\n            unless': (" unless", "all is well"),
    "min without (master_host, master_port) ": ("", "a replica has lost its link"),
    '(5 * rate(redis_master_repl_offset{job="redis"}[1m]))': (
        "(0 * redis_master_repl_offset)",
        "a second of heavy writes",
    ),
    'for: 30s\n        labels: {severity: critical}\n        annotations:\n          summary: "{{ $value }} nodes': (
        'labels: {severity: critical}\n        annotations:\n          summary: "{{ $value }} nodes',
        "two masters for as long as Sentinel needs",
    ),
    'redis_memory_max_bytes{job="redis"} > 0) > 0.9\n': (
        'redis_memory_max_bytes{job="redis"}) > 0.9\n',
        "memory without a limit",
    ),
    'unless on (group, instance) redis_instance_info{maxmemory_policy=~"allkeys-.+"}': (
        "",
        "a cache is full as it should be",
    ),
    "            or (redis_errors_total": ("            and (redis_errors_total", "the very first write refused"),
    "and on (group, instance) redis_up offset 2m": (
        "",
        "writes refused long ago, to a node that is new to Prometheus",
    ),
    ' and redis_aof_enabled{job="redis"} == 1': ("", "an AOF that is off cannot fail"),
    "and on (group, master_name) redis_sentinel_master_status offset 5m": ("", "Sentinels that are new to Prometheus"),
    "max by (group) (redis_sentinel_master_ckquorum_status) == 0": (
        "min by (group) (redis_sentinel_master_ckquorum_status) == 0",
        "one Sentinel is cut off",
    ),
    'or sum by (group) (redis_up{job="redis-sentinel"} or up{job="redis-sentinel"}) * 2': (
        'or sum by (group) (redis_up{job="redis-sentinel"}) * 2',
        "no Sentinel is left",
    ),
    "unless on (group) avg by (group)": ("unless on (instance) avg by (group)", "the cluster is down"),
}
"""A piece of the rules that looks as if it could be left out, what takes its place, and the case that then fails."""


@pytest.mark.parametrize("piece", BREAKAGES)
def test_no_piece_can_be_left_out(piece: str, tmp_path: Path) -> None:
    instead, name = BREAKAGES[piece]
    rules = broken(RULES.read_text(), piece, instead, tmp_path)
    assert made_of(CASES[name], tmp_path, rules) != CASES[name].fires


RUNBOOK = """
groups:
  - name: runbook
    rules:
      - {alert: RedisDown, expr: redis_up == 0, for: 1m}
      - {alert: RedisReplicationBroken, expr: redis_connected_slaves < 1, for: 5m}
      - {alert: RedisMemoryHigh, expr: redis_memory_used_bytes / redis_memory_max_bytes > 0.9, for: 5m}
      - {alert: RedisReplicationLag, expr: redis_replication_lag > 10, for: 5m}
"""


@pytest.mark.parametrize(
    ("name", "fires"),
    [
        ("all is well", {"RedisReplicationBroken": 2}),
        ("memory without a limit", {"RedisReplicationBroken": 2, "RedisMemoryHigh": 1}),
        ("a node hangs and the scrape runs out of time", {"RedisReplicationBroken": 2}),
        ("a slow replica that acknowledges", {"RedisReplicationBroken": 2}),
    ],
)
def test_what_the_usual_four_rules_make_of_it(name: str, fires: dict[str, int], tmp_path: Path) -> None:
    """docs/alerts.md says that they cannot work: they cry at health, and are silent at faults."""
    rules = tmp_path / "runbook.rules.yml"
    rules.write_text(RUNBOOK)
    assert made_of(CASES[name], tmp_path, rules) == fires


@pytest.mark.parametrize("checked", ["prometheus.yml", "alertmanager.yml"])
def test_the_example_settings_are_valid(checked: str, tmp_path: Path) -> None:
    """Beside them the files that they name."""
    for file in (ROOT / "deploy" / "prometheus").iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "tandem.token").write_text("secret")
    tool = ("promtool", "check", "config") if checked == "prometheus.yml" else ("amtool", "check-config")
    if shutil.which(tool[0]) is None:
        pytest.skip(f"needs {tool[0]}")
    done = subprocess.run([*tool, tmp_path / checked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    jobs = yaml.safe_load((tmp_path / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {"redis", "redis-sentinel", "redis-exporter", "tandem"}
    assert EXPORTER.rpartition(":")[2] in (tmp_path / "prometheus.yml").read_text()
