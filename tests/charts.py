"""Charts for tests: three nodes over a minute, one of which is silent for a while."""

from actions.kit.action import Seen
from actions.kit.charting import Chart, Source
from actions.kit.charting.making import chart_of
from actions.kit.charting.readings import Reading
from actions.kit.diagnosis import diagnose
from tests.builders import healthy

T = 1_700_000_000.0
SECONDS = 60
SILENT = range(20, 40)
"""When the second replica gives no answer."""


def _reading(number: int, second: int) -> Reading:
    if number == 3 and second in SILENT:
        return Reading(T + second, silence="no answer: timed out")
    replica = number > 1
    return Reading(
        T + second,
        role="replica" if replica else "master",
        run=str(number),
        clients=30 / number,
        memory=number * 10 * 2**20,
        memory_limit=64 * 2**20,
        lag_seconds=second % 2 if replica else None,
        lag_bytes=1000 * number if replica else None,
        commands=500 * second / number,
        hits=90 * second,
        misses=10 * second,
    )


def chart(nodes: int = 3, notes: tuple[str, ...] = (), name: str = "10.0.0.{}:6379") -> Chart:
    told = {name.format(n): [_reading(n, second) for second in range(SECONDS)] for n in range(1, nodes + 1)}
    return chart_of(Source.SAMPLING, (T, T + SECONDS - 1), 1.0, told, notes)


def charted(made: Chart | None = None) -> Seen:
    snapshot = healthy()
    return Seen(snapshot, diagnose(snapshot), chart=made or chart())
