"""What Prometheus kept becomes readings: what stands there for want of a newer scrape does not."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.charting.prometheus import (
    INFO,
    LAG_S,
    LEVELS,
    OFFSET,
    REPLICA_OFFSET,
    SENTINEL,
    UP,
    Grid,
    Scrapes,
    Told,
    node_of,
    parse_matrix,
)
from actions.kit.errors import Garbled
from actions.kit.prometheus_place import PrometheusPlace

GRID = Grid(1000.0, 10.0, 5)
MASTER, REPLICA = "redis://10.0.0.1:6379", "redis://10.0.0.2:6379"
M, R = "10.0.0.1:6379", "10.0.0.2:6379"


def told(metric, instance, values, **labels):
    """A series; `None` where there is no point."""
    points = tuple((GRID.at(n), float(value)) for n, value in enumerate(values) if value is not None)
    return Told({"__name__": metric, "instance": instance, **labels}, points)


def moments(instance, values):
    """When the scrape was that each step shows."""
    return Told({"instance": instance}, told("", instance, values).points)


def pair(**more):
    """A master and a replica that follows it, scraped every 10 s, 2 s before each step."""
    series = []
    for instance, role in ((MASTER, "master"), (REPLICA, "slave")):
        series += [told(UP, instance, [1] * 6), told(INFO, instance, [1] * 6, role=role, run_id=instance)]
        series += [told(metric, instance, range(6)) for metric in LEVELS.values()]
    of_replica = {"slave_ip": "10.0.0.2", "slave_port": "6379", "slave_state": "online"}
    series += [told(OFFSET, MASTER, range(1000, 1600, 100)), told(LAG_S, MASTER, [1] * 6, **of_replica)]
    series += [told(REPLICA_OFFSET, MASTER, range(900, 1500, 100), **of_replica)]
    scraped = [moments(one, [GRID.at(n) - 2 for n in range(6)]) for one in (MASTER, REPLICA)]
    return series, scraped


def test_levels_roles_and_the_lag_that_the_master_tells():
    read = Scrapes(GRID, *pair(), {}).readings()
    assert list(read) == [M, R]
    assert [one.at for one in read[R]] == [998, 1008, 1018, 1028, 1038, 1048]
    last = read[R][-1]
    assert (last.role, last.clients, last.hits, last.lag_seconds, last.lag_bytes) == ("replica", 5, 5, 1, 100)
    assert (read[M][-1].role, read[M][-1].lag_bytes, read[M][0].memory_limit) == ("master", None, None)


def test_two_steps_that_show_one_scrape_are_one_reading():
    series, _ = pair()
    scraped = [moments(one, [995, 995, 1015, 1015, 1035, 1035]) for one in (MASTER, REPLICA)]
    assert [one.at for one in Scrapes(GRID, series, scraped, {}).readings()[M]] == [995, 1015, 1035]


def test_what_was_scraped_too_long_ago_or_not_at_all_is_no_reading():
    grid = Grid(1000.0, 60.0, 5)
    series = [
        Told({"__name__": name, "instance": MASTER}, tuple((grid.at(n), 1.0) for n in range(6)))
        for name in (UP, LEVELS["clients"])
    ]
    kept = Told({"instance": MASTER}, tuple((grid.at(n), 1055.0) for n in range(1, 6)))
    read = Scrapes(grid, series, [kept], {}).readings()[M]
    assert [(one.at, one.clients, one.silence) for one in read] == [
        (1055, 1, ""),
        (1180, None, "not scraped by Prometheus"),
        (1240, None, "not scraped by Prometheus"),
        (1300, None, "not scraped by Prometheus"),
    ]


def test_a_node_that_does_not_answer_the_exporter_is_silent_and_its_lag_is_told_all_the_same():
    series, scraped = pair()
    series = [one for one in series if not (one.labels["instance"] == REPLICA and one.metric != "x")]
    series.append(told(UP, REPLICA, [0] * 6))
    read = Scrapes(GRID, series, scraped, {}).readings()[R]
    assert {(one.silence, one.clients, one.lag_seconds) for one in read} == {("no answer to the exporter", None, 1)}


def test_sentinels_under_the_same_labels_are_no_nodes():
    series, scraped = pair()
    for address in ("10.0.0.1:26379", "10.0.0.2:26379"):
        scraped.append(moments(f"redis://{address}", [GRID.at(n) for n in range(6)]))
        series.append(told(UP, f"redis://{address}", [1] * 6))
    series.append(told(SENTINEL, "redis://10.0.0.1:26379", [1] * 6))
    assert Scrapes(GRID, series, scraped, {}, ["10.0.0.2:26379"]).nodes == (M, R)


def test_what_is_missing_is_named_and_a_node_is_called_as_here():
    series, scraped = pair()
    kept = [one for one in series if one.metric != LEVELS["misses"]]
    scrapes = Scrapes(GRID, kept, scraped, {R: "replica.local:6379"})
    assert scrapes.missing == ("redis_keyspace_misses_total",)
    assert scrapes.nodes == (M, "replica.local:6379")
    assert scrapes.readings()["replica.local:6379"][-1].lag_bytes == 100


@pytest.mark.parametrize(
    ("instance", "port", "node"),
    [
        ("redis://10.0.0.1:6379", "", "10.0.0.1:6379"),
        ("rediss://user:s3cret@10.0.0.1:6379/0", "", "10.0.0.1:6379"),
        ("10.0.0.1:6379", "6379", "10.0.0.1:6379"),
        ("10.0.0.7:9121", "6380", "10.0.0.7:6380"),
        ("[fd00::1]:9121", "6379", "[fd00::1]:6379"),
        ("redis-0", "", "redis-0"),
        ("", "", ""),
    ],
)
def test_an_instance_is_a_node_and_never_shows_a_password(instance, port, node):
    assert node_of(instance, port) == node


def test_a_window_has_some_240_steps():
    hour = Grid.over(10_000.0, 3600)
    assert (hour.step, hour.steps, hour.until) == (15, 240, 10_000)
    assert Grid.over(10_000.0, 60).step == 1
    assert Grid.over(1e9, 14 * 86_400).steps <= 241


def test_labels_are_quoted():
    place = PrometheusPlace("http://p", (("group", 'a"b\\c'), ("job", "redis")))
    assert place.selector == '{group="a\\"b\\\\c",job="redis"}'


any_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "resultType", "result", "metric", "values"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(any_json)
def test_whatever_is_answered_is_series_or_garbled(reply):
    with contextlib.suppress(Garbled):
        assert isinstance(parse_matrix(reply), tuple)


def test_a_matrix_is_read_with_its_infinities():
    reply = {"data": {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1.5, "+Inf"], [2, "3"]]}]}}
    assert parse_matrix(json.loads(json.dumps(reply)))[0].points == ((1.5, float("inf")), (2.0, 3.0))
    with pytest.raises(Garbled, match="something else than series"):
        parse_matrix({"data": {"resultType": "vector", "result": []}})
