"""Hand-made clusters: what each node of one of any size answers, and the snapshot that this gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from actions.kit.cluster.replies import parse_cluster
from actions.kit.snapshot import AttachedReplica, Link, NodeConfig, NodeView, Reason, Role, Snapshot, Unasked
from actions.kit.topology import Address, Kind
from tests.builders import OFFSET, info_of

SLOTS = 16_384


@dataclass(frozen=True)
class Row:
    """One line of CLUSTER NODES, and what the node says of itself."""

    number: int
    master: int
    """The number of the node that it replicates; 0 of a master."""
    epoch: int
    slots: str = ""
    flags: str = ""
    """Beside ``master`` or ``slave``."""
    link: str = "connected"
    opened: str = ""
    place: str = ""
    id: str = ""

    def line(self, *, myself: bool) -> str:
        flags = ",".join(filter(None, ("myself" * myself, "slave" if self.master else "master", self.flags)))
        place = self.place or f"{address(self.number).host}:6379@16379"
        master = node_id(self.master) if self.master else "-"
        times = "0 0" if myself else f"0 {1795407550000 + self.number}"
        opened = self.opened if myself else ""
        words = (
            self.id or node_id(self.number),
            place,
            flags,
            master,
            times,
            str(self.epoch),
            self.link,
            self.slots,
            opened,
        )
        return " ".join(filter(None, words))


@dataclass(frozen=True)
class Cluster:
    """What every node of a cluster would answer; ``rows`` are what all say, ``said`` what single nodes say instead."""

    rows: tuple[Row, ...]
    said: Mapping[int, tuple[Row, ...]] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)
    silent: Mapping[int, Reason] = field(default_factory=dict)

    def row(self, number: int, **changes: object) -> "Cluster":
        """The same with all saying something else of one node."""
        return replace(self, rows=_changed(self.rows, number, changes))

    def says(self, teller: int, number: int, **changes: object) -> "Cluster":
        """The same with one node saying something else of one node, itself perhaps."""
        rows = _changed(self.said.get(teller, self.rows), number, changes)
        return replace(self, said={**self.said, teller: rows})

    def tells(self, teller: int, rows: tuple[Row, ...]) -> "Cluster":
        """The same with one node telling this table."""
        return replace(self, said={**self.said, teller: rows})

    def without(self, *numbers: int, reason: Reason = Reason.TIMED_OUT) -> "Cluster":
        """The same with these not answering us; what the others say stays."""
        return replace(self, silent={**self.silent, **dict.fromkeys(numbers, reason)})

    def failed(self, *numbers: int) -> "Cluster":
        """The same with these dead: they do not answer us, and a majority of the masters has flagged them."""
        rows = tuple(
            replace(row, flags="fail", link="disconnected") if row.number in numbers else row for row in self.rows
        )
        states = (
            dict.fromkeys([row.number for row in rows], "fail")
            if any(row.slots and row.number in numbers for row in rows)
            else self.states
        )
        return replace(self, rows=rows, states=states).without(*numbers, reason=Reason.REFUSED)

    def snapshot(self, change: Callable[[NodeView], NodeView] = lambda view: view) -> Snapshot:
        """What a look at it sees."""
        nodes = tuple(change(self._view(row)) for row in self.rows)
        return Snapshot(target="carts", kind=Kind.CLUSTER, observed_at=datetime(2025, 1, 1, tzinfo=UTC), nodes=nodes)

    def texts(self, number: int) -> tuple[bytes, bytes]:
        """What this node answers to CLUSTER INFO and CLUSTER NODES."""
        rows = self.said.get(number, self.rows)
        fields = {
            "cluster_state": self.states.get(number, "ok"),
            "cluster_slots_assigned": sum(_slots(rows, flags) for flags in ("", "fail?", "fail")),
            "cluster_slots_ok": _slots(rows, ""),
            "cluster_slots_pfail": _slots(rows, "fail?"),
            "cluster_slots_fail": _slots(rows, "fail"),
            "cluster_known_nodes": len(rows),
            "cluster_size": sum(bool(row.slots) for row in rows),
            "cluster_current_epoch": max(row.epoch for row in rows),
            "cluster_my_epoch": next(row.epoch for row in rows if row.number == number),
        }
        info = "".join(f"{name}:{value}\r\n" for name, value in fields.items())
        nodes = "".join(f"{row.line(myself=row.number == number)}\n" for row in rows)
        return info.encode(), nodes.encode()

    def _view(self, row: Row) -> NodeView:
        at = address(row.number)
        if row.number in self.silent:
            unasked = Unasked(f"node {at}", self.silent[row.number], "no answer")
            return NodeView(at, unasked, known_from=(f"node {address(1)}",))
        own = next(one for one in self.said.get(row.number, self.rows) if one.number == row.number)
        shared = {"replid": f"{own.master or own.number:040x}", "cluster_enabled": True, "priority": 100}
        if own.master:
            up = self.silent.get(own.master) is not Reason.REFUSED
            link = Link(
                address(own.master), up=up, sync_in_progress=False, last_io_s=0 if up else None, down_since_s=4 - 4 * up
            )
            info = info_of(row.number, Role.REPLICA, link=link, **shared)
        else:
            attached = tuple(
                AttachedReplica(address(one.number), "online", OFFSET, 0)
                for one in self.rows
                if one.master == row.number and one.number not in self.silent
            )
            info = info_of(row.number, Role.MASTER, replicas=attached, **shared)
        seen = parse_cluster(*self.texts(row.number))
        return NodeView(at, info=info, config=NodeConfig(0, 10, 100), cluster=seen, known_from=("settings",))


def node_id(number: int) -> str:
    """The cluster's id of node ``number``."""
    return f"{number:040x}"


def address(number: int) -> Address:
    """Where node ``number`` listens; neighbours are on hosts of their own."""
    return Address(f"10.0.{number // 250}.{number % 250}", 6379)


def cluster(shards: int = 3, replicas: int = 1) -> Cluster:
    """A healthy one: its masters have the numbers from 1, then come the first replica of each, and so on."""
    bounds = [SLOTS * index // shards for index in range(shards + 1)]
    masters = [Row(number, 0, number, f"{bounds[number - 1]}-{bounds[number] - 1}") for number in range(1, shards + 1)]
    others = [
        Row(shards * turn + number, number, number)
        for turn in range(1, replicas + 1)
        for number in range(1, shards + 1)
    ]
    return Cluster((*masters, *others))


def _slots(rows: tuple[Row, ...], flags: str) -> int:
    bounds = [one.split("-") for row in rows if row.flags == flags for one in row.slots.split()]
    return sum(int(bound[-1]) - int(bound[0]) + 1 for bound in bounds)


def _changed(rows: tuple[Row, ...], number: int, changes: Mapping[str, object]) -> tuple[Row, ...]:
    return tuple(replace(row, **changes) if row.number == number else row for row in rows)
