import pytest

from actions.kit.topology import Address, Credentials, Kind, Target, Tls
from sandbox.redis import builds


@pytest.fixture(params=builds(), ids=lambda build: build.name)
def build(request):
    return request.param


@pytest.fixture
def tls_build():
    found = next((build for build in builds() if build.has_tls), None)
    return found or pytest.skip("no server here was built with TLS")


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
            "timeout_ms": 3_000,
        }
        return Target(**(known | changes))

    return target_of
