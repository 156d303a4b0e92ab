import contextlib

import pytest

from actions.adapters import connect
from actions.kit.rescue_place import Folder
from actions.kit.topology import Address, Credentials, Kind, Target, Tls


@pytest.fixture
def rescue_folder(tmp_path):
    return tmp_path / "rescue"


@pytest.fixture
def hands_on(rescue_folder):
    """Hands on a topology, whose copies go to ``rescue_folder``; closed at the end."""

    @contextlib.asynccontextmanager
    async def hands_on(topology, **changes):
        known = {
            "name": "orders",
            "kind": Kind.SENTINEL if topology.sentinels else Kind.REPLICATION,
            "nodes": tuple(map(Address.parse, topology.node_addresses)),
            "sentinels": tuple(map(Address.parse, topology.sentinel_addresses)),
            "master_name": topology.master_name,
            "auth": Credentials(topology.username, topology.password),
            "tls": Tls(ca_file=str(topology.tls.ca_file)) if topology.tls else None,
            "timeout_ms": 10_000,
            "rescue": Folder(str(rescue_folder)),
        }
        hands = connect(Target(**(known | changes)))
        try:
            yield hands
        finally:
            await hands.aclose()

    return hands_on
