"""What a ``verify`` checks of Kubernetes: pods, the write Service, the application's setting, its URL and its log."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from actions.adapters.http import ask_health
from actions.kit.errors import Unreachable
from actions.kit.kubernetes.logs import LogSearch
from actions.kit.kubernetes.ports import HealthAnswer
from actions.kit.kubernetes.proofs import prove_application, prove_places
from actions.kit.kubernetes.view import EnvValue
from actions.kit.unasked import Reason, Unasked
from tests.builders import healthy, node_at
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod

SNAPSHOT = on_kubernetes(healthy(sentinels=0), chart_of_replication())
QUIET = LogSearch(2)
NOW = SNAPSHOT.observed_at
SINCE = NOW - timedelta(minutes=5)


def checks(view, master=1):
    return {
        check.title: (check.ok, check.observation)
        for check in prove_places(on_kubernetes(SNAPSHOT, view), node_at(master))
    }


def test_as_it_should_be():
    assert checks(chart_of_replication()) == {
        "all pods of redis are ready": (True, "3 of 3 are there"),
        "Service redis-master leads to redis-master-0 only": (
            True,
            "selector component=master, endpoints redis-master-0",
        ),
        "REDIS_HOST of api leads to redis-master-0": (True, "redis-master"),
    }


def test_after_a_promotion_that_nobody_was_told_of():
    said = checks(chart_of_replication(), master=2)
    assert said["Service redis-master leads to redis-replicas-0 only"][0] is False
    assert said["REDIS_HOST of api leads to redis-replicas-0"] == (False, "redis-master")
    view = chart_of_replication()
    view = replace(view, application=replace(view.application, value=EnvValue("10.0.0.2:6379")))
    assert checks(view, master=2)["REDIS_HOST of api leads to redis-replicas-0"][0] is True
    unknown = replace(view, application=replace(view.application, value=EnvValue("elsewhere.example")))
    assert not any(title.startswith("REDIS_HOST") for title in checks(unknown))


def test_pods_that_are_not_there_and_what_is_not_told():
    view = with_pod(chart_of_replication(), 2, ready=False)
    assert checks(view)["all pods of redis are ready"] == (False, "redis-replicas-0: not ready")
    missing = replace(view, pods=view.pods[:1])
    assert checks(missing)["all pods of redis are ready"] == (False, "1 of 3 are there")
    silent = replace(view, gaps=(Unasked("Kubernetes services", Reason.NOPERM, "We may not list services."),))
    assert checks(silent)["Kubernetes tells all that it is asked"] == (False, "We may not list services.")


class Application:
    """Answers what a test gives it; an error is raised."""

    def __init__(self, answer=None, found=QUIET):
        self.answer, self.found = answer, found

    async def health(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def search_logs(self, since):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def proven(application, *, settled=False):
    hands = SimpleNamespace(kubernetes=application)
    return [(check.ok, check.observation) for check in await prove_application(hands, SNAPSHOT, SINCE, settled=settled)]


async def test_an_application_that_is_well():
    assert await proven(Application(HealthAnswer(204, 12.3))) == [
        (True, "2 of 2 updated, 2 available"),
        (True, "HTTP 204 in 12 ms"),
        (True, f"nothing in the log of 2 pods since {SINCE:%H:%M:%S}"),
    ]
    assert len(await proven(Application())) == 2


async def test_an_application_that_is_not():
    gone = Unreachable("The health URL http://api does not answer: refused")
    assert (await proven(Application(gone, gone)))[1:] == [(False, str(gone)), (False, str(gone))]
    assert (await proven(Application(HealthAnswer(503, 5))))[1] == (False, "HTTP 503 in 5 ms")


async def test_a_token_in_the_health_url_is_not_shown():
    with pytest.raises(Unreachable) as caught:
        await ask_health("http://127.0.0.1:1/health?token=secret", 5)
    assert str(caught.value) == "The health URL http://127.0.0.1:1/health does not answer: the connection was refused"


@pytest.mark.parametrize(("ago_s", "settled", "ok"), [(60, False, True), (3, False, False), (60, True, False)])
async def test_errors_right_after_a_failover_are_no_fault_if_they_have_stopped(ago_s, settled, ok):
    found = LogSearch(2, (("READONLY", 7),), NOW - timedelta(seconds=ago_s))
    quiet = (await proven(Application(found=found), settled=settled))[-1]
    assert quiet == (ok, f"7 READONLY in the log of 2 pods since {SINCE:%H:%M:%S}, the last {ago_s} s ago")


async def test_a_log_that_cannot_be_read_proves_nothing():
    assert (await proven(Application(found=LogSearch(1, unread=("api-2 (gone)",)))))[-1][0] is False
