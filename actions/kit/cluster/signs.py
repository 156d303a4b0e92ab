"""What CLUSTER INFO of one node tells of trouble, without the table of all nodes. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.cluster.view import SLOTS


@dataclass(frozen=True, slots=True)
class ClusterSigns:
    """``ok``: the node serves its slots. ``failed``: slots of masters that it flags FAIL; ``missing``: of nobody."""

    ok: bool
    failed: int
    missing: int

    @property
    def well(self) -> bool:
        """There is none."""
        return self.ok and not self.failed and not self.missing

    def sentences(self, who: str) -> tuple[tuple[str, str], ...]:
        """An alert's name and a sentence for each."""
        found = []
        if not self.ok:
            found.append(("ClusterDown", f"The cluster_state of {who} is fail. It serves no slot, or not all."))
        if self.failed:
            found.append(("ClusterMasterFailed", f"{self.failed:,} slots are those of masters that {who} flags FAIL."))
        if self.missing:
            found.append(("ClusterSlotsUncovered", f"{self.missing:,} slots belong to nobody, says {who}."))
        return tuple(found)


def parse_signs(info: bytes) -> ClusterSigns | None:
    """Read CLUSTER INFO; ``None`` where it is none."""
    fields = dict(line.partition(b":")[::2] for line in info.split(b"\r\n"))
    state, failed, assigned = (
        fields.get(name) for name in (b"cluster_state", b"cluster_slots_fail", b"cluster_slots_assigned")
    )
    if state not in {b"ok", b"fail"} or failed is None or assigned is None:
        return None
    if not (failed.isdigit() and assigned.isdigit() and max(len(failed), len(assigned)) < 10):
        return None
    return ClusterSigns(state == b"ok", int(failed), max(0, SLOTS - int(assigned)))
