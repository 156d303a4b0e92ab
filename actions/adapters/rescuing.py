"""The rescue copies of one target, put where its settings say."""

from __future__ import annotations

from collections.abc import Callable

from actions.adapters.aws.bucket import BucketStore
from actions.adapters.kubernetes import KubernetesRelease
from actions.adapters.redis import Node, Reach
from actions.adapters.rescue import FolderStore, Rescuer, Store
from actions.kit.errors import RescueFailed
from actions.kit.rescue_place import Bucket, Folder, RescuePlace, Volume
from actions.kit.topology import Address, Kind, Target


def open_rescuer(
    target: Target, reach: Reach, node: Callable[[Address], Node], kubernetes: KubernetesRelease | None
) -> Rescuer:
    """What takes copies of this target; nothing is connected before it is asked.

    Args:
        target: whose data.
        reach: where servers are dialled.
        node: the warm connection to a node.
        kubernetes: what can reach a volume.

    Raises:
        RescueFailed: there are no copies of such a target, or nothing says where they go.
    """
    if target.kind is Kind.ELASTICACHE:
        raise RescueFailed("AWS lets nobody copy a node as a replica does; a snapshot of the group is the way there.")
    if target.rescue is None:
        raise RescueFailed(
            f"Nothing says where rescue copies of {target.name} go: add rescue: {{folder: /path}} to targets.yaml."
        )
    return Rescuer(target, _store(target.name, target.rescue, kubernetes), reach, node)


def _store(name: str, place: RescuePlace, kubernetes: KubernetesRelease | None) -> Store:
    match place:
        case Folder():
            return FolderStore(place.path, name)
        case Bucket():
            return BucketStore(place, name)
        case Volume() if kubernetes is not None:
            return kubernetes.volume(place, name)
        case Volume():
            raise RescueFailed(f"{name} has no kubernetes block, which says where {place} is.")
