"""What Kubernetes shows, in Slack, in a terminal and for programs."""

import json
from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from actions.kit.kubernetes.view import EventView, KubernetesView
from actions.kit.unasked import Reason, Unasked
from bot.render import terminal
from bot.render.blocks_findings import healthy_or_not
from bot.render.json import seen_json
from bot.render.kubernetes import kubernetes_lines
from tests.bot.render.slack_judges import accepted
from tests.builders import healthy
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod

SNAPSHOT = healthy(sentinels=0)


def seen(view):
    snapshot = on_kubernetes(SNAPSHOT, view)
    return Seen(snapshot, diagnose(snapshot))


def troubled() -> KubernetesView:
    crashing = {"ready": False, "reason": "CrashLoopBackOff", "restarts": 7, "last_reason": "OOMKilled"}
    at = SNAPSHOT.observed_at - timedelta(minutes=1)
    warning = EventView("Pod redis-replicas-1", "BackOff", "Back-off restarting <!channel> container", 12, at)
    return replace(with_pod(chart_of_replication(), 3, ready=False, container=crashing), events=(warning,))


def test_the_worst_pod_stands_first():
    assert kubernetes_lines(seen(troubled()).snapshot) == [
        "Kubernetes aragora/redis (replication): 2 of 3 pods ready",
        (
            "✗ redis-replicas-1 replica 10.0.0.3 on worker-1 not ready; container redis: CrashLoopBackOff, "
            "it ended with OOMKilled, 7 restarts"
        ),
        "✓ redis-master-0 master 10.0.0.1 on worker-1 ready",
        "✓ redis-replicas-0 replica 10.0.0.2 on worker-1 ready",
        "1 of 1 volume bound",
        "→ Service redis-master sends writes to redis-master-0",
        "✓ Deployment api REDIS_HOST=redis-master 2 of 2 updated, 2 available",
        "! 23:59:00 Pod redis-replicas-1 BackOff 12 times: Back-off restarting <!channel> container",
    ]


def test_health_shows_it_everywhere_and_what_comes_from_outside_only_as_drawn_text():
    screen = healthy_or_not(seen(troubled()), "")
    assert "redis-replicas-1 replica" in accepted(screen)
    drawn = [block for block in screen.message.blocks if block["type"] != "rich_text"]
    assert "<!channel>" not in json.dumps(drawn)
    console = Console(record=True, width=160)
    console.print(terminal.health(seen(troubled())))
    assert "Kubernetes aragora/redis (replication): 2 of 3 pods ready" in console.export_text()


def test_the_json_has_it_only_where_there_is_some():
    told = seen_json(seen(troubled()))["kubernetes"]
    assert [pod["name"] for pod in told["pods"] if not pod["ready"]] == ["redis-replicas-1"]
    assert told["services"][1] == {
        "name": "redis-master",
        "selector": {"component": "master"},
        "takes_writes": True,
        "pods": ["redis-master-0"],
    }
    assert told["application"]["value"] == "redis-master"
    json.dumps(told)
    assert "kubernetes" not in seen_json(Seen(SNAPSHOT, diagnose(SNAPSHOT)))


def test_an_api_that_does_not_answer_is_said():
    why = "The Kubernetes API at https://k8s does not answer: refused"
    view = KubernetesView("aragora", "redis", unasked=Unasked("Kubernetes pods", Reason.REFUSED, why))
    assert kubernetes_lines(seen(view).snapshot) == ["Kubernetes aragora/redis: no answer"]
    told = seen_json(seen(view))
    assert told["kubernetes"]["reachable"] is False
    assert told["unasked"] == [{"source": "Kubernetes pods", "why": f"refused: {why}"}]
    assert (told["verdict"], told["confidence"]) == ("kubernetes-silent", "undetermined")
