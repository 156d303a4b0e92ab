"""What the change of a pod means, and which changes mean nothing."""

from dataclasses import replace

import pytest

from actions.kit.kubernetes.pod_troubles import troubles
from actions.kit.kubernetes.view import ContainerView, PodView

WELL = PodView("redis-0", phase="Running", ready=True, containers=(ContainerView("redis", ready=True),))


def changed(*, container: dict[str, object] | None = None, **pod: object) -> PodView:
    return replace(WELL, containers=(replace(WELL.containers[0], **(container or {})),), **pod)


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        (None, WELL, []),
        (WELL, WELL, []),
        (changed(ready=False), WELL, []),
        (WELL, changed(ready=False), ["PodNotReady"]),
        (WELL, changed(leaving=True, ready=False), ["PodDeleted"]),
        (changed(leaving=True), None, []),
        (WELL, None, ["PodDeleted"]),
        (WELL, changed(phase="Failed", ready=False, reason="Evicted: low on memory"), ["PodFailed", "PodNotReady"]),
        (WELL, changed(ready=False, container={"reason": "OOMKilled"}), ["PodOutOfMemory"]),
        (WELL, changed(container={"restarts": 1, "last_reason": "OOMKilled"}), ["PodOutOfMemory"]),
        (
            changed(container={"reason": "OOMKilled"}),
            changed(container={"restarts": 1, "last_reason": "OOMKilled"}),
            [],
        ),
        (WELL, changed(container={"restarts": 1, "last_reason": "Error, exit code 137"}), ["PodRestarted"]),
        (WELL, changed(ready=False, container={"reason": "CrashLoopBackOff", "restarts": 1}), ["PodCannotStart"]),
        (
            changed(ready=False, container={"reason": "CrashLoopBackOff", "restarts": 1}),
            changed(ready=False, container={"reason": "CrashLoopBackOff", "restarts": 2}),
            [],
        ),
    ],
)
def test_what_was_not_there_before(before, after, names):
    assert [one.name for one in troubles(before, after)] == names


def test_why_is_said():
    (trouble,) = troubles(WELL, changed(container={"restarts": 1, "last_reason": "Error, exit code 137"}))
    assert trouble.sentence == "Container redis of pod redis-0 has restarted: Error, exit code 137."
