"""The ``kubernetes`` block of targets.yaml: what is read, what may be left out, and what is said of mistakes."""

import pytest

from actions.kit.errors import SettingsError
from actions.kit.kubernetes.place import Application, KubernetesPlace, Way
from bot.targets import load_targets

PLACE = "namespace: aragora, release: redis"


@pytest.fixture
def load(tmp_path):
    def load(*blocks, more="kind: replication"):
        targets = "".join(
            f"  orders{number}: {{{more}, kubernetes: {{{block}}}}}\n" for number, block in enumerate(blocks, 1)
        )
        path = tmp_path / "targets.yaml"
        path.write_text(f"targets:\n{targets}")
        return load_targets(path)

    return load


def test_with_a_release_the_addresses_may_be_left_out(load):
    fleet = load(PLACE)
    assert fleet.targets["orders1"].kubernetes == KubernetesPlace("aragora", "redis")
    assert fleet.targets["orders1"].nodes == ()
    assert fleet.notes == ()
    assert load(PLACE, more="kind: sentinel").targets["orders1"].master_name == "mymaster"


def test_everything_that_can_be_said(load, tmp_path):
    (tmp_path / "config").write_text("")
    block = (
        f"{PLACE}, context: prod, kubeconfig: config, reach: port-forward, "
        "application: {deployment: api, container: web, env: REDIS_HOST, health_url: 'http://api/health?full=1'}"
    )
    assert load(block).targets["orders1"].kubernetes == KubernetesPlace(
        "aragora",
        "redis",
        "prod",
        str(tmp_path / "config"),
        Way.PORT_FORWARD,
        Application("api", "REDIS_HOST", "web", "http://api/health?full=1"),
    )


def test_only_the_application_may_live_there(load):
    block = "namespace: aragora, application: {deployment: api, env: REDIS_HOST}"
    assert (
        load(block, more="kind: replication, nodes: [10.0.0.1, 10.0.0.2]").targets["orders1"].kubernetes.release == ""
    )
    with pytest.raises(SettingsError, match="has no nodes"):
        load(block)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("release: redis", "has no namespace: it says where the pods are"),
        (
            "namespace: aragora",
            "names neither the Helm release that Redis runs as nor an application; add one of them.",
        ),
        ("namespace: Aragora_1, release: redis", "it has to be a name as Kubernetes takes it"),
        ("namespace: a/b, release: redis", "it has to be a name as Kubernetes takes it"),
        (f"{PLACE}, env: X", "It belongs into application"),
        (f"{PLACE}, reach: ssh", "it has to be direct, port-forward or exec"),
        ("namespace: a, reach: exec, application: {deployment: a, env: B}", "no release is named"),
        (f"{PLACE}, reach: exec}}, tls: {{check_hostname: false", "has reach: exec, which speaks no TLS"),
        (f"{PLACE}, kubeconfig: nowhere", "which is not a file that can be read"),
        (f"{PLACE}, application: {{env: X}}", "has no deployment: it is what is rolled out anew"),
        (f"{PLACE}, application: {{deployment: a}}", "has no env: it is the variable that says where Redis is"),
        (f"{PLACE}, application: {{deployment: a, env: A-B}}", "it has to be a variable such as REDIS_HOST"),
        *(
            (
                f"{PLACE}, application: {{deployment: a, env: A, health_url: '{url}'}}",
                "it has to be an http:// or https:// address without a password",
            )
            for url in ("http://user:word@api", "ftp://api", "http://api:99999/", "http://[/")
        ),
    ],
)
def test_mistakes(load, block, words):
    with pytest.raises(SettingsError) as caught:
        load(block)
    assert "targets.yaml:2" in str(caught.value)
    assert words in str(caught.value)
    assert "user:word" not in str(caught.value)


def test_a_release_of_what_aws_runs(load):
    aws = "kind: elasticache, region: eu-west-1, replication_group_id: g"
    with pytest.raises(SettingsError, match=r"targets\.yaml:2: targets\.orders1\.kubernetes names a release, and AWS"):
        load(PLACE, more=aws)
    block = "namespace: aragora, application: {deployment: api, env: REDIS_HOST}"
    assert load(block, more=aws).targets["orders1"].kubernetes.release == ""


def test_one_release_under_two_names(load):
    with pytest.raises(
        SettingsError, match="the same deployment as orders1: release redis in namespace aragora is in both"
    ):
        load(PLACE, PLACE)
    assert len(load(PLACE, f"{PLACE}, context: other").targets) == 2
