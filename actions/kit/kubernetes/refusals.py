"""Why nothing can be changed on a release from where Tandem runs, whatever its servers say. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.snapshot import Snapshot


def not_from_here(snapshot: Snapshot) -> Iterator[str]:
    """The one reason that explains all others; nothing where there is none."""
    view = snapshot.kubernetes
    if view is None:
        return
    if view.unasked is not None and not snapshot.nodes:
        yield f"Kubernetes did not say which pods {snapshot.target} has: {view.unasked.why}"
    elif view.looking_only:
        yield (
            f"The pods of {snapshot.target} are reached by exec, which is for looking only: set reach: port-forward in "
            "its kubernetes block of targets.yaml, or run this from inside the cluster with reach: direct."
        )
