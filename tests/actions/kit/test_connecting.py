"""What stands in the snippets and beside them, for hand-made targets."""

import ast
import shlex
from dataclasses import replace

import pytest

from actions.kit.connecting import CLIENTS, connection
from actions.kit.elasticache.views import GroupView, NodeGroupView
from actions.kit.kubernetes.addresses import by_name
from actions.kit.kubernetes.place import Application, KubernetesPlace
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, AddressMap, Credentials, Kind, Target, Tls
from tests.builders import healthy, sentinel_at, with_opinion, with_sentinel, without_node, without_sentinel
from tests.clusters import cluster
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod

PRIMARY, CONFIGURATION = Address("master.search.aws", 6379), Address("clustercfg.search.aws", 6380)


def elasticache(primary, configuration=None):
    shard = NodeGroupView("0001", "available", primary)
    view = GroupView("eu-west-1", "search", None, "available", "enabled", "enabled", configuration is not None)
    view = replace(view, node_groups=(shard,), configuration_endpoint=configuration)
    return replace(healthy(sentinels=0), kind=Kind.ELASTICACHE, group=view)


NASTY = "my'\"\\\n\u2028\u202e{x}`$(id)"
OPEN = Target("orders", Kind.SENTINEL, master_name="mymaster")
CLOSED = replace(
    OPEN,
    auth=Credentials("tandem", "secret-1"),
    sentinel_auth=Credentials("tandem", "secret-2"),
    tls=Tls("/ca.pem", "/cert.pem", "/key.pem", check_hostname=False),
    sentinel_tls=Tls("/other.pem"),
)


OTHERS = {
    "replication": (healthy(sentinels=0), replace(CLOSED, kind=Kind.REPLICATION)),
    "cluster": (cluster(shards=12).snapshot(), replace(CLOSED, kind=Kind.CLUSTER)),
    "aws": (elasticache(PRIMARY), replace(CLOSED, kind=Kind.ELASTICACHE)),
    "aws in cluster mode": (elasticache(None, CONFIGURATION), replace(CLOSED, kind=Kind.ELASTICACHE)),
}


def texts(target, snapshot=None):
    made = connection(snapshot or healthy(), target)
    assert tuple(one.client for one in made.snippets) == CLIENTS
    return {one.client: one.text for one in made.snippets}


def literals(text):
    return {one.value for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Constant)}


@pytest.mark.parametrize("client", ["redis-py", "asyncio"])
def test_a_name_cannot_break_out_of_its_string(client):
    text = texts(replace(OPEN, name=NASTY, master_name=NASTY))[client]
    assert NASTY in literals(text)
    assert text.isascii()
    assert len(ast.parse(text).body) == len(ast.parse(texts(OPEN)[client]).body)


def test_nor_can_it_in_a_shell():
    made = texts(replace(OPEN, master_name=NASTY))
    words = shlex.split(made["env"], comments=True)
    assert f"get-master-addr-by-name {shlex.quote(NASTY)})" in made["redis-cli"]
    assert f"REDIS_MASTER_NAME={NASTY}" in words
    assert "REDIS_SENTINELS=10.1.0.1:26379,10.1.0.2:26379,10.1.0.3:26379" in words


def test_what_is_secret_comes_from_the_environment():
    made = texts(CLOSED)
    for text in made.values():
        assert not any(one in text for one in ("secret-1", "secret-2", ".pem", "tandem"))
        for name in ("USERNAME", "PASSWORD", "CA_FILE"):
            assert f"REDIS_{name}" in text
            assert f"REDIS_SENTINEL_{name}" in text
    assert "ssl_check_hostname=False" in made["redis-py"]
    assert "os.environ" not in texts(OPEN)["redis-py"]


def test_every_sentinel_that_is_known_is_in_it():
    peers = (sentinel_at(1), sentinel_at(3), sentinel_at(7), sentinel_at(8))
    seen = with_opinion(healthy(), 2, peers=peers, peers_down=(sentinel_at(8),), down_after_ms=4_200)
    text = texts(OPEN, seen)["redis-py"]
    assert "('10.1.0.7', 26379)," in text
    assert "10.1.0.8" not in text, "the others call it down, and it is not in the settings"
    assert "min_other_sentinels=2" in text
    assert "PATIENCE_S = 20" in text


def test_sentinels_that_are_no_more_do_not_keep_those_that_are_from_being_believed():
    seen = healthy(sentinels=6)
    for number in (1, 2, 3, 4):
        seen = without_sentinel(seen, number)
    for number in (5, 6):
        seen = with_opinion(seen, number, other_sentinels=1, peers=())
    assert "min_other_sentinels=1" in texts(OPEN, seen)["redis-py"]


@pytest.mark.parametrize(
    ("seen", "target", "sentence"),
    [
        (
            without_sentinel(without_sentinel(healthy(), 1), 3, Reason.REFUSED),
            OPEN,
            "2 of 3 Sentinels do not answer us: 10.1.0.1:26379 (timed out), 10.1.0.3:26379 (refused). They stay in",
        ),
        (
            with_sentinel(without_sentinel(healthy(), 2, Reason.UNKNOWN_MASTER), 2, knows=("cache",)),
            OPEN,
            "Not every Sentinel knows the master 'mymaster': 10.1.0.2:26379 knows cache.",
        ),
        (without_node(healthy(), 1), OPEN, "The master that the Sentinels name, 10.0.0.1:6379, does not answer us"),
        (without_sentinel(without_sentinel(healthy(), 1), 2), OPEN, "No majority of the Sentinels names one master"),
        (healthy(), replace(OPEN, address_map=AddressMap(hosts=(("10.0.0.1", "127.0.0.1"),))), "Tandem reaches"),
        (healthy(), CLOSED, "Tandem's user 'tandem' is its own: the application needs another one."),
    ],
)
def test_what_is_wrong_now_is_said_beside_it(seen, target, sentence):
    assert any(one.startswith(sentence) for one in connection(seen, target).remarks)
    assert connection(healthy(), OPEN).remarks == ()


def test_one_that_is_named_by_others_alone():
    seen = with_opinion(healthy(), 1, peers=(sentinel_at(2), sentinel_at(3), Address("10.1.0.9", 26379)))
    assert connection(seen, OPEN).remarks == ("Named by another Sentinel, and not in targets.yaml: 10.1.0.9:26379.",)


@pytest.mark.parametrize("client", ["redis-py", "asyncio"])
@pytest.mark.parametrize("kind", OTHERS)
def test_every_kind_is_python_that_holds_nothing_secret(kind, client):
    seen, target = OTHERS[kind]
    text = texts(target, seen)[client]
    compile(text, "snippet.py", "exec")
    assert not any(one in text for one in ("secret-1", ".pem", "tandem", "SENTINEL"))
    assert all(f'os.environ["REDIS_{name}"]' in text for name in ("USERNAME", "PASSWORD", "CA_FILE"))


def test_one_address_can_be_named_anew():
    seen, target = OTHERS["replication"]
    made = texts(target, seen)
    assert """host=os.environ.get("REDIS_HOST", '10.0.0.1'),""" in made["redis-py"]
    assert made["env"].startswith("REDIS_HOST=10.0.0.1\nREDIS_PORT=6379\n")
    assert "protocol=2" in made["asyncio"]
    gone = connection(without_node(seen, 1), target)
    assert 'host=os.environ["REDIS_HOST"],' in gone.snippets[0].text
    assert gone.remarks[:3] == (
        "No address is known by now: the snippet is not complete before it has one.",
        "1 of 3 nodes does not answer us: 10.0.0.1:6379 (timed out).",
        "Nobody is agreed on as the one master now (masters: none that answers): find out first.",
    )


def test_some_nodes_of_a_cluster_are_enough():
    seen, target = OTHERS["cluster"]
    made = texts(target, seen)
    assert made["redis-py"].count("ClusterNode('") == 9
    assert made["env"].startswith("REDIS_CLUSTER_NODES=10.0.0.1:6379,10.0.0.10:6379,")
    assert "PATIENCE_S = 45" in made["redis-py"]


def test_aws_has_endpoints():
    assert "'master.search.aws'" in texts(*reversed(OTHERS["aws"]))["redis-py"]
    assert "PATIENCE_S = 60" in texts(*reversed(OTHERS["aws"]))["redis-py"]
    assert "ClusterNode('clustercfg.search.aws', 6380)," in texts(*reversed(OTHERS["aws in cluster mode"]))["redis-py"]


def test_on_kubernetes_pods_go_by_their_lasting_names():
    application = Application("api", "CACHE_HOST")
    place = KubernetesPlace("aragora", "redis", application=application)
    target = Target("orders", Kind.REPLICATION, kubernetes=place)
    view = with_pod(chart_of_replication(), 1, subdomain="redis-headless")
    made = connection(on_kubernetes(healthy(sentinels=0), view), target)
    name = "redis-master-0.redis-headless.aragora.svc"
    assert f"""host=os.environ.get("CACHE_HOST", '{name}'),""" in made.snippets[0].text
    inside, moves = made.remarks
    assert inside.startswith("The snippet is for what runs in the Kubernetes cluster")
    assert moves.endswith("CACHE_HOST has to name it; a failover by Tandem sets it in deployment api.")


def test_names_that_servers_announce_themselves_stay():
    view = with_pod(chart_of_replication(), 1, subdomain="redis-headless")
    announced = Address("redis-master-0.redis-headless.aragora.svc.cluster.local", 6379)
    assert by_name(view, announced) == announced
    assert by_name(view, Address("10.0.0.1", 6379)).host == "redis-master-0.redis-headless.aragora.svc"
    assert by_name(None, announced) == announced


def test_a_service_that_leads_to_another_than_the_master_is_told():
    view = chart_of_replication("redis://redis-master:6379/0")
    services = tuple(replace(one, pods=("redis-replicas-0",)) if one.takes_writes else one for one in view.services)
    target = Target(
        "orders", Kind.REPLICATION, kubernetes=KubernetesPlace("a", "r", application=Application("api", "URL"))
    )
    made = connection(on_kubernetes(healthy(sentinels=0), replace(view, services=services)), target)
    assert (
        "The Service redis-master does not lead to the master, redis-master-0: its selector is fixed." in made.remarks
    )
    assert '"REDIS_HOST"' in made.snippets[0].text, "a variable that holds a whole URL is no host"
