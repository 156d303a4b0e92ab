"""The snapshots that the rules are measured by are what they are called."""

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.findings import FindingId
from bench.snapshots import cluster, one_master, without_master, without_replicas


@pytest.mark.parametrize(
    ("snapshot", "verdict"),
    [
        (one_master(3), FindingId.HEALTHY),
        (one_master(50, sentinels=0), FindingId.HEALTHY),
        (without_master(one_master(50, sentinels=0)), FindingId.MASTER_DOWN),
        (without_replicas(one_master(50, sentinels=0)), FindingId.REPLICA_DOWN),
        (cluster(3, 0), FindingId.CLUSTER_MASTER_WITHOUT_REPLICA),
        (cluster(30, 1), FindingId.HEALTHY),
        (without_master(cluster(30, 1)), FindingId.CLUSTER_SLOTS_UNCOVERED),
    ],
)
def test_what_is_measured(snapshot, verdict):
    assert diagnose(snapshot).verdict.id is verdict
