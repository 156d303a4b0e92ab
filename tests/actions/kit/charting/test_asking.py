"""What Prometheus does not tell is said beside what it tells."""

import pytest

from actions.kit.charting.asking import ask_prometheus
from actions.kit.charting.prometheus import LEVELS, UP, Told
from actions.kit.errors import NotYet
from actions.kit.prometheus_place import PrometheusPlace
from tests.builders import healthy

PLACE = PrometheusPlace("http://p", (("group", "orders"),))


class Kept:
    """Hands on a target whose Prometheus has these series, from so many seconds before the end on."""

    def __init__(self, nodes, metrics, seconds=3600):
        self.nodes, self.metrics, self.seconds = nodes, metrics, seconds
        self.place, self.asked = PLACE, []

    @property
    def prometheus(self):
        return self

    async def matrix(self, query, since, until, step_s):
        self.asked.append(query)
        ats = [since + step_s * n for n in range(round((until - since) / step_s) + 1)]
        ats = [at for at in ats if until - at <= self.seconds]
        if query.startswith("timestamp("):
            return tuple(Told({"instance": node}, tuple((at, at) for at in ats)) for node in self.nodes)
        return tuple(
            Told({"__name__": metric, "instance": node}, tuple((at, 1.0) for at in ats))
            for metric in self.metrics
            for node in self.nodes
        )


async def charted(hands):
    return await ask_prometheus(hands, healthy(), 3600)


async def test_what_is_whole_needs_no_note():
    nodes = [f"redis://{node.address}" for node in healthy().nodes]
    hands = Kept(nodes, (UP, *LEVELS.values()))
    made = await charted(hands)
    assert (made.notes, made.step_s, len(made.lines)) == ((), 15, len(nodes))
    assert hands.asked[0].startswith('{__name__=~"redis_up|redis_instance_info|')
    assert hands.asked[0].endswith('",group="orders"}')
    assert hands.asked[1] == 'timestamp(redis_up{group="orders"})'


async def test_nodes_and_metrics_that_are_missing_and_lines_that_begin_late():
    (first, *others) = (str(node.address) for node in healthy().nodes)
    kept = (UP, *(name for key, name in LEVELS.items() if key != "hits"))
    made = await charted(Kept([first], kept, seconds=600))
    assert made.notes[:2] == (
        f"Prometheus does not scrape {', '.join(others)}.",
        "Prometheus has no redis_keyspace_hits_total.",
    )
    assert made.notes[2].startswith(f"Prometheus tells nothing of {first} before ")
    assert len(made.notes) == 3


@pytest.mark.parametrize("metrics", [(), (UP,)], ids=["nothing", "only that it is up"])
async def test_who_has_nothing_of_use_is_said_to_have_nothing(metrics):
    with pytest.raises(NotYet, match=r'no metrics of redis_exporter with the labels \{group="orders"\}'):
        await charted(Kept(["10.0.0.1:6379"] if metrics else [], metrics))
