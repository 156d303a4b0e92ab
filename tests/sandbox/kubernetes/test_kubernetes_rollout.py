"""However pods come and go, a rollout keeps its bounds and comes to its end."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.kubernetes.controllers.rollout import Count, next_sizes


def spec(desired, surge, unavailable):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"replicas": desired, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}


def ready(wanted):
    return Count(wanted, wanted, wanted)


def test_a_quarter_is_rounded_up_for_pods_too_many_and_down_for_pods_too_few():
    assert next_sizes(spec(4, "25%", "25%"), ready(0), [ready(4)]) == [1, 3]
    assert next_sizes(spec(2, "25%", "25%"), ready(0), [ready(2)]) == [1, 2]
    assert next_sizes(spec(1, 0, 0), ready(0), [ready(1)]) == [0, 0], "with neither allowed one may be missing"


def test_old_pods_that_are_not_ready_go_first():
    assert next_sizes(spec(2, 1, 0), Count(0, 0, 0), [Count(2, 2, 1), Count(1, 1, 1)]) == [0, 1, 1]


def test_recreate_waits_until_the_last_old_pod_is_gone():
    recreate = {"replicas": 2, "strategy": {"type": "Recreate"}}
    assert next_sizes(recreate, ready(0), [ready(2)]) == [0, 0]
    assert next_sizes(recreate, ready(0), [Count(0, 1, 0)]) == [0, 0]
    assert next_sizes(recreate, ready(0), [Count(0, 0, 0)]) == [2, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(0, 4), st.integers(0, 4), st.lists(st.floats(0, 1), max_size=10))
def test_a_rollout_keeps_its_bounds_at_every_step_and_ends(desired, surge, unavailable, luck):
    wanted = spec(desired, surge, unavailable)
    fewest = desired - (unavailable or (0 if surge else 1))
    new, old = ready(0), ready(desired)
    # Pods become ready some time after they are made: a part of them at first, and all of them in the end.
    for part in [*luck, *[1.0] * (2 * desired + 2)]:
        to_new, to_old = next_sizes(wanted, new, [old])
        assert to_new + to_old <= desired + surge
        assert min(new.ready, to_new) + min(old.ready, to_old) >= min(fewest, new.ready + old.ready)
        new = Count(to_new, to_new, max(min(new.ready, to_new), int(part * to_new)))
        old = ready(to_old)
    assert (new, old) == (ready(desired), ready(0))
