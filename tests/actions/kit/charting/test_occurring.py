"""What readings tell that happened."""

from actions.kit.charting import Occurrence, Source
from actions.kit.charting.making import chart_of
from actions.kit.charting.occurring import occurrences
from actions.kit.charting.readings import Reading


def test_silence_a_restart_and_a_change_of_roles_in_their_order():
    told = {
        "a": [
            Reading(1, "master", "1", commands=9),
            Reading(2, silence="refused"),
            Reading(3, silence="refused"),
            Reading(4, "replica", "2", commands=1),
        ],
        "b": [Reading(1, "replica", "x"), Reading(2, "replica", "x"), Reading(3, "master", "x")],
        "c": [Reading(1, silence="timed out"), Reading(2, "replica"), Reading(3, "replica", commands=5)],
    }
    assert occurrences(told) == (
        Occurrence(2, "a", "refused"),
        Occurrence(2, "c", "answers again"),
        Occurrence(3, "b", "replica became master"),
        Occurrence(4, "a", "answers again, was restarted, master became replica"),
    )
    chart = chart_of(Source.SAMPLING, (1, 4), 1, told)
    assert [line.node for line in chart.lines] == ["b", "a", "c"]


def test_a_counter_that_fell_is_a_restart_where_no_process_is_named():
    assert occurrences({"a": [Reading(1, commands=9), Reading(2, commands=10), Reading(3, commands=2)]}) == (
        Occurrence(3, "a", "was restarted"),
    )
    assert occurrences({"a": [Reading(1, clients=2), Reading(2, clients=3)]}) == ()
