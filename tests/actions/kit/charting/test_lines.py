"""Lines of readings: what is drawn, and above all what is not."""

import math

from hypothesis import given
from hypothesis import strategies as st

from actions.kit.charting import Gap, Panel
from actions.kit.charting.lines import line_of
from actions.kit.charting.readings import Reading

counts = st.none() | st.integers(0, 1000) | st.sampled_from([math.inf, math.nan])
readings = st.builds(
    Reading,
    at=st.just(0.0),
    role=st.sampled_from(["", "master", "replica"]),
    run=st.sampled_from(["", "a", "b"]),
    silence=st.sampled_from(["", "timed out"]),
    **dict.fromkeys(("clients", "memory", "lag_seconds", "lag_bytes", "commands", "hits", "misses"), counts),
)


def read(*values, step=1.0, **more):
    """A reading for each value of `commands`; `None` is a silent node."""
    return [
        Reading(100 + number * step, silence="timed out")
        if value is None
        else Reading(100 + number * step, run="a", clients=value, commands=value, **more)
        for number, value in enumerate(values)
    ]


def points(told, panel):
    return [value for _, value in line_of("n", told).of(panel).points]


def test_a_level_is_as_it_was_told_and_a_silent_node_is_a_gap():
    line = line_of("n", read(4, 5, None, None, 0))
    clients = line.of(Panel.CLIENTS)

    assert [value for _, value in clients.points] == [4, 5, None, None, 0]
    assert clients.gaps == (Gap(101, 104),)
    assert (clients.latest, line.silence) == (0, "")
    assert line_of("n", read(4, None)).silence == "timed out"


def test_a_rate_is_what_grew_in_a_second_and_goes_through_no_gap():
    assert points(read(10, 30, 70, step=2.0), Panel.COMMANDS) == [10, 20]
    assert points(read(10, None, 30, 31), Panel.COMMANDS) == [None, None, 1]


def test_a_counter_that_fell_is_a_restart_and_so_is_another_process_that_counted_further():
    assert points(read(10, 20, 3, 4), Panel.COMMANDS) == [10, None, 1]
    told = read(10, 20)
    overtaken = Reading(102, run="b", commands=50)
    assert points([*told, overtaken, Reading(103, run="b", commands=51)], Panel.COMMANDS) == [10, None, 1]


def test_a_ratio_is_of_what_was_looked_up_in_the_window_and_not_since_the_start():
    def looked_up(at, hits, misses):
        return Reading(at, hits=hits, misses=misses)

    told = [looked_up(1, 10**6, 0), looked_up(2, 10**6 + 1, 1), looked_up(3, 10**6 + 1, 1), looked_up(4, 10**6 + 1, 3)]
    ratio = line_of("n", told).of(Panel.HIT_RATIO)

    assert [value for _, value in ratio.points] == [50, None, 0]
    assert ratio.overall == 25
    assert line_of("n", told[:1]).of(Panel.HIT_RATIO).overall is None


def test_what_was_read_by_nobody_for_long_is_a_gap_of_its_own():
    told = [*read(1, 2, 3), Reading(150, run="a", clients=4, commands=4)]
    assert points(told, Panel.CLIENTS) == [1, 2, 3, None, 4]
    assert points(told, Panel.COMMANDS) == [1, 1, None, None]


def test_while_it_was_a_master_nothing_is_missing_and_nothing_is_drawn():
    told = [
        Reading(1, role="replica", lag_bytes=7),
        Reading(2, role="master"),
        Reading(3, role="replica", lag_bytes=9),
    ]
    lag = line_of("n", told).of(Panel.LAG_BYTES)
    assert [value for _, value in lag.points] == [7, None, 9]
    assert lag.gaps == ()


@given(st.lists(readings, min_size=1, max_size=12), st.lists(st.floats(0.1, 5), min_size=12, max_size=12))
def test_whatever_was_read(told, steps):
    ats = [sum(steps[: number + 1]) for number in range(len(told))]
    told = [
        Reading(**{name: getattr(one, name) for name in Reading.__slots__} | {"at": at})
        for one, at in zip(told, ats, strict=True)
    ]
    line = line_of("n", told)

    assert [one.panel for one in line.series] == list(Panel)
    for series in line.series:
        whens = [when for when, _ in series.points]
        assert whens == sorted(whens)
        assert all(math.isfinite(value) and value >= 0 for value in series.values)
        missing = {when for when, value in series.points if value is None}
        assert all(told[0].at <= gap.since <= gap.until <= told[-1].at for gap in series.gaps)
        assert bool(series.gaps) <= bool(missing)
    silent = {one.at for one in told if one.clients is None or not math.isfinite(one.clients)}
    assert silent <= {when for when, value in line.of(Panel.CLIENTS).points if value is None}
    assert all(0 <= value <= 100 for value in line.of(Panel.HIT_RATIO).values)
