"""Whoever does not let us in: this says nothing of how the target fares."""

from actions.kit.topology import Credentials, Tls
from tests.scenarios.faults import masters, service
from tests.scenarios.scenario import UNDETERMINED, F, Scenario
from tests.scenarios.stages import replication, sentinel

AUTH = frozenset({F.AUTH_FAILED})
GONE = frozenset({F.MASTER_DOWN, F.MASTER_UNREACHABLE, F.SPLIT_BRAIN, F.REPLICA_DOWN, F.HEALTHY})
PASSWORD = {"password": "right"}

ACCESS = (
    Scenario(
        "a replica's password changed",
        sentinel,
        service.change_password_of_one,
        F.AUTH_FAILED,
        never=GONE,
        settings=PASSWORD,
    ),
    Scenario(
        "our password is wrong",
        sentinel,
        masters.nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        also=AUTH,
        never=GONE,
        settings=PASSWORD,
        target={"auth": Credentials(None, "wrong")},
    ),
    Scenario(
        "we have no password",
        replication,
        masters.nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        also=AUTH,
        never=GONE,
        settings=PASSWORD,
        target={"auth": Credentials()},
    ),
    Scenario(
        "we do not trust the certificate",
        sentinel,
        masters.nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        also=frozenset({F.TLS_FAILED}),
        never=GONE,
        settings={"tls": True},
        target={"tls": Tls()},
    ),
)
