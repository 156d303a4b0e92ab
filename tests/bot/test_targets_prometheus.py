"""The ``prometheus`` blocks of targets.yaml: for all targets, for one of them, and what is said of mistakes."""

import re

import pytest

from actions.kit.errors import SettingsError
from actions.kit.prometheus_place import PrometheusPlace
from actions.kit.topology import Credentials, Tls
from bot.targets import load_targets

URL = "http://prometheus:9090"


@pytest.fixture
def load(tmp_path):
    def load(general, own=""):
        path = tmp_path / "targets.yaml"
        more = f", prometheus: {own}" if own else ""
        path.write_text(
            f"{general}\ntargets:\n"
            f"  orders: {{kind: replication, nodes: [10.0.0.1, 10.0.0.2]{more}}}\n"
            "  carts: {kind: replication, nodes: [10.0.1.1, 10.0.1.2]}\n"
        )
        return {name: target.prometheus for name, target in load_targets(path).targets.items()}

    return load


def test_a_target_that_says_nothing_has_what_is_said_for_all(load):
    assert load("") == {"orders": None, "carts": None}
    assert load(f"prometheus: {{url: '{URL}/'}}") == {
        name: PrometheusPlace(URL, (("group", name),)) for name in ("orders", "carts")
    }
    some = load(
        f"prometheus: {{url: '{URL}', labels: {{app: 'redis-{{target}}', job: redis}}}}", "{url: 'https://p/x'}"
    )
    assert some["orders"] == PrometheusPlace("https://p/x", (("group", "orders"),))
    assert some["carts"].labels == (("app", "redis-carts"), ("job", "redis"))


def test_who_asks(load, tmp_path):
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "ca.pem").write_text("x")
    place = load("", f"{{url: '{URL}', token_file: token, tls: {{ca_file: ca.pem}}, labels: {{app: shop}}}}")["orders"]
    assert (place.token, place.tls, place.labels) == (
        "t0ken",
        Tls(ca_file=str(tmp_path / "ca.pem")),
        (("app", "shop"),),
    )
    place = load("", f"{{url: '{URL}', auth: {{username: me, password_file: token}}}}")["orders"]
    assert place.auth == Credentials("me", "t0ken")
    assert "t0ken" not in repr(place)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("{}", "targets.orders.prometheus has no url: it is where Prometheus is."),
        ("{url: prometheus:9090}", "prometheus.url is 'prometheus:9090'; it has to be an http:// or https:// address"),
        ("{url: 'http://me:pw@p'}", "it has to be an http:// or https:// address without a password"),
        (f"{{url: '{URL}', step: 5}}", "targets.orders.prometheus.step is not a known key."),
        (f"{{url: '{URL}', labels: {{}}}}", "prometheus.labels is empty; name at least one label and its value."),
        (f"{{url: '{URL}', labels: {{'a-b': c}}}}", "it has to be the name of a label."),
        (f"{{url: '{URL}', labels: {{__name__: c}}}}", "is a label of Prometheus' own; name one of yours."),
        (f"{{url: '{URL}', token_file: nowhere}}", "token_file cannot be used"),
        (f"{{url: '{URL}', token_file: a, token_env: B}}", "has both token_file and token_env; keep one."),
        (f"{{url: '{URL}', token_env: B, auth: {{username: a, password_env: C}}}}", "has both auth and a token"),
    ],
)
def test_mistakes_are_named_with_their_place(load, own, said):
    with pytest.raises(SettingsError, match=re.escape(said)):
        load("", own)


def test_labels_for_all_have_to_tell_the_targets_apart(load):
    with pytest.raises(SettingsError, match=r"prometheus.labels are those of all targets: put \{target\} where"):
        load(f"prometheus: {{url: '{URL}', labels: {{job: redis}}}}")
