import pytest

from actions.kit.topology import Address, Credentials, Kind, Target, Tls


@pytest.fixture
def target_of():
    def target_of(topology, **changes):
        tls = Tls(ca_file=str(topology.tls.ca_file)) if topology.tls else None
        known = {
            "name": "orders",
            "kind": Kind.SENTINEL if topology.sentinels else Kind.REPLICATION,
            "nodes": () if topology.sentinels else tuple(map(Address.parse, topology.node_addresses)),
            "sentinels": tuple(map(Address.parse, topology.sentinel_addresses)),
            "master_name": topology.master_name,
            "auth": Credentials(topology.username, topology.password),
            "sentinel_auth": Credentials(topology.sentinel_username, topology.sentinel_password),
            "tls": tls,
            "sentinel_tls": tls,
            "timeout_ms": 10_000,
        }
        return Target(**(known | changes))

    return target_of
