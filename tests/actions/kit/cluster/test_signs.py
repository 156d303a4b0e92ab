"""What CLUSTER INFO tells of trouble."""

import pytest

from actions.kit.cluster.signs import ClusterSigns, parse_signs


def info(state: str = "ok", assigned: object = 16384, failed: object = 0) -> bytes:
    lines = (f"cluster_state:{state}", f"cluster_slots_assigned:{assigned}", f"cluster_slots_fail:{failed}", "more:1")
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (info(), []),
        (info("fail"), ["ClusterDown"]),
        (info(failed=5461), ["ClusterMasterFailed"]),
        (info("fail", assigned=16000, failed=1), ["ClusterDown", "ClusterMasterFailed", "ClusterSlotsUncovered"]),
    ],
)
def test_each_trouble_has_a_name_and_a_sentence(said, names):
    signs = parse_signs(said)
    assert signs is not None
    assert [name for name, _ in signs.sentences("10.0.0.1:7000")] == names
    assert signs.well is not bool(names)


@pytest.mark.parametrize("said", [b"", b"ERR", info("odd"), info(assigned="x"), info(failed="9" * 30), info()[:30]])
def test_what_is_no_cluster_info_tells_nothing(said):
    assert parse_signs(said) is None


def test_slots_of_nobody_are_counted():
    assert parse_signs(info(assigned=16383)) == ClusterSigns(ok=True, failed=0, missing=1)
