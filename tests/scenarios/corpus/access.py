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
    Scenario(
        "our user may only PING",
        replication,
        service.let_us_ask_nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        also=AUTH,
        never=GONE,
        target={"auth": Credentials("poor", "poor")},
    ),
    Scenario(
        "master killed, and our password is wrong",
        replication,
        masters.kill_master,
        F.UNDETERMINED,
        UNDETERMINED,
        also=AUTH,
        never=GONE,
        settings=PASSWORD,
        target={"auth": Credentials(None, "wrong")},
    ),
    Scenario(
        "the Sentinels do not let us in",
        sentinel,
        masters.nothing,
        F.AUTH_FAILED,
        never=GONE,
        settings={"sentinel_password": "right"},
        target={"sentinel_auth": Credentials(None, "wrong")},
    ),
    Scenario(
        "we speak no TLS",
        sentinel,
        masters.nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        never=GONE,
        settings={"tls": True},
        target={"tls": None, "sentinel_tls": None},
    ),
)
