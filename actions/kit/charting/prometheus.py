"""Reads what Prometheus kept of redis_exporter's metrics, Redis' or Valkey's, as readings of each node. No I/O here.

All metrics of a node are told by one scrape, whose moment ``timestamp(redis_up)`` says: so each reading stands at the
moment when it was taken, two steps that saw one scrape give one reading, and what Prometheus still shows minutes after
its last scrape is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from actions.kit.charting.readings import Reading
from actions.kit.errors import Garbled

UP, INFO = "redis_up", "redis_instance_info"
LEVELS = {
    "clients": "redis_connected_clients",
    "memory": "redis_memory_used_bytes",
    "memory_limit": "redis_memory_max_bytes",
    "commands": "redis_commands_processed_total",
    "hits": "redis_keyspace_hits_total",
    "misses": "redis_keyspace_misses_total",
}
LAG_S, REPLICA_OFFSET, OFFSET = (
    "redis_connected_slave_lag_seconds",
    "redis_connected_slave_offset_bytes",
    "redis_master_repl_offset",
)
SENTINEL = "redis_sentinel_masters"
"""Only Sentinels have it: they are scraped under the same labels."""
METRICS = (UP, INFO, *LEVELS.values(), LAG_S, REPLICA_OFFSET, OFFSET, SENTINEL)
STALE_S = 90.0
"""A scrape that is older than this, or than two steps, tells nothing of now: most scrape each minute or more often."""
STEPS = 240
"""So many values make a line of a picture; more cannot be seen."""
LEAST_STEP_S = 1.0
EXPORTER_PORT = 9121
"""An instance of this port is an exporter beside its server, and not the server."""


@dataclass(frozen=True, slots=True)
class Told:
    """One series of a matrix. ``points``: seconds since 1970 and value."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def metric(self) -> str:
        """Its name; empty where a function took it away."""
        return self.labels.get("__name__", "")


@dataclass(frozen=True, slots=True)
class Grid:
    """When Prometheus was asked to tell: from ``since``, every ``step`` seconds, ``steps`` times and once more."""

    since: float
    step: float
    steps: int

    @classmethod
    def over(cls, until: float, length_s: float) -> Grid:
        """For a window that ends at a moment, in seconds."""
        step = max(LEAST_STEP_S, float(round(length_s / STEPS)))
        steps = max(1, int(length_s // step))
        return cls(until - steps * step, step, steps)

    @property
    def until(self) -> float:
        """The last moment."""
        return self.since + self.steps * self.step

    @property
    def stale_s(self) -> float:
        """What was scraped longer ago than this tells nothing of now."""
        return max(STALE_S, 2 * self.step)

    def number(self, at: float) -> int:
        """Which of the moments this is."""
        return round((at - self.since) / self.step)

    def at(self, number: int) -> float:
        """The moment of this number."""
        return self.since + number * self.step


def parse_matrix(reply: object) -> tuple[Told, ...]:
    """The answer of ``/api/v1/query_range``.

    Raises:
        Garbled: it is something else.
    """
    try:
        data = reply["data"]  # type: ignore[index]
        if data["resultType"] != "matrix":
            raise Garbled("Prometheus answered with something else than series.")
        return tuple(
            Told(
                {str(name): str(value) for name, value in one["metric"].items()},
                tuple((float(at), float(value)) for at, value in one["values"]),
            )
            for one in data["result"]
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise Garbled("What Prometheus answered is not what its API answers.") from error


class Scrapes:
    """What was told of a target, by node and moment.

    Args:
        grid: when.
        told: the series of ``METRICS``.
        moments: those of ``timestamp(redis_up)``.
        known_as: how nodes are called here that Prometheus calls otherwise.
        sentinels: the addresses of Sentinels that are known.
    """

    def __init__(
        self,
        grid: Grid,
        told: Iterable[Told],
        moments: Iterable[Told],
        known_as: Mapping[str, str],
        sentinels: Iterable[str] = (),
    ) -> None:
        series = tuple(told)
        self.grid, self._known_as = grid, known_as
        self._ports = {one.labels.get("instance", ""): one.labels["tcp_port"] for one in series if _has_port(one)}
        self._values: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        self._about: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
        self._scraped: dict[str, dict[int, float]] = defaultdict(dict)
        self._lag: dict[str, dict[int, tuple[float | None, float | None]]] = defaultdict(dict)
        for one in moments:
            self._scraped[self._node(one)] |= {grid.number(at): value for at, value in one.points}
        for one in series:
            self._keep(one)
        for one in series:
            if one.metric in {LAG_S, REPLICA_OFFSET} and one.labels.get("slave_state") == "online":
                self._keep_lag(one)
        left_out = set(sentinels) | {node for node, metric in self._values if metric == SENTINEL}
        self.nodes = tuple(sorted(({*self._scraped, *self._lag}) - left_out))

    @property
    def missing(self) -> tuple[str, ...]:
        """The metrics that no node has, and that a panel needs; lag is missing where there is no replica."""
        there = {metric for _, metric in self._values}
        return tuple(name for key, name in LEVELS.items() if key != "memory_limit" and name not in there)

    def readings(self) -> dict[str, list[Reading]]:
        """By node, in the order of time; of one that was first scraped within the window, from then on."""
        found = {node: list(self._of(node)) for node in self.nodes}
        return {node: told for node, told in found.items() if told}

    def _keep(self, one: Told) -> None:
        node = self._node(one)
        for at, value in one.points:
            number = self.grid.number(at)
            self._values[node, one.metric][number] = value
            if one.metric == INFO:
                role = one.labels.get("role", "")
                self._about[node][number] = ("replica" if role == "slave" else role, one.labels.get("run_id", ""))

    def _keep_lag(self, one: Told) -> None:
        """A master tells of its replicas; its own offset is of the same scrape."""
        master, replica = self._node(one), _address(one.labels.get("slave_ip", ""), one.labels.get("slave_port", ""))
        replica = self._known_as.get(replica, replica)
        for at, value in one.points:
            number = self.grid.number(at)
            if self._moment(master, number) is None:
                continue
            seconds, behind = self._lag[replica].get(number, (None, None))
            if one.metric == LAG_S:
                seconds = value
            elif (offset := self._value(master, OFFSET, number)) is not None:
                behind = max(0.0, offset - value)
            self._lag[replica][number] = (seconds, behind)

    def _of(self, node: str) -> Iterator[Reading]:
        before: float | None = None
        known = False
        for number in range(self.grid.steps + 1):
            at = self._moment(node, number)
            lag_seconds, lag_bytes = self._lag[node].get(number, (None, None))
            known = known or at is not None or lag_seconds is not None
            if not known or (at is not None and at == before):
                continue
            before = at
            if at is None:
                why = "not scraped by Prometheus"
                yield Reading(self.grid.at(number), silence=why, lag_seconds=lag_seconds, lag_bytes=lag_bytes)
            elif not self._value(node, UP, number):
                yield Reading(at, silence="no answer to the exporter", lag_seconds=lag_seconds, lag_bytes=lag_bytes)
            else:
                yield self._told(node, number, at, lag_seconds, lag_bytes)

    def _told(self, node: str, number: int, at: float, lag_seconds: float | None, lag_bytes: float | None) -> Reading:
        role, run = self._about[node].get(number, ("", ""))
        told = {key: self._value(node, metric, number) for key, metric in LEVELS.items()}
        follows = role != "master"
        return Reading(
            at,
            role=role,
            run=run,
            clients=told["clients"],
            memory=told["memory"],
            memory_limit=told["memory_limit"] or None,  # 0: there is no limit.
            lag_seconds=lag_seconds if follows else None,
            lag_bytes=lag_bytes if follows else None,
            commands=told["commands"],
            hits=told["hits"],
            misses=told["misses"],
        )

    def _moment(self, node: str, number: int) -> float | None:
        """When the scrape was that is told at this step; ``None`` where it was too long before."""
        at = self._scraped[node].get(number)
        return at if at is not None and self.grid.at(number) - at <= self.grid.stale_s else None

    def _value(self, node: str, metric: str, number: int) -> float | None:
        return self._values.get((node, metric), {}).get(number)

    def _node(self, one: Told) -> str:
        instance = one.labels.get("instance", "")
        name = node_of(instance, self._ports.get(instance, ""))
        return self._known_as.get(name, name)


def node_of(instance: str, port: str = "") -> str:
    """The address of a node by the label of its instance, without what may be a password.

    ``port``: the server's own one, by which an exporter beside it is replaced.
    """
    split = urlsplit(instance if "://" in instance else f"//{instance}")
    host = split.netloc.rpartition("@")[2] or instance.rpartition("@")[2]
    bare, _, own = host.rpartition(":")
    return f"{bare}:{port}" if port and own == str(EXPORTER_PORT) else host


def _address(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _has_port(one: Told) -> bool:
    return one.metric == INFO and bool(one.labels.get("tcp_port"))
