"""targets.yaml: what is documented is read; each mistake names the file, the line and the mend."""

import pytest

from actions.kit.errors import SettingsError, UsageError
from actions.kit.plan import Risk
from actions.kit.topology import Address, Kind, Tls
from bot.fleet import Case, People, Rule
from bot.targets import load_targets

DOCUMENTED = """\
approvers: {usergroup: S0REDISOPS}
targets:
  orders:
    environment: production
    kind: sentinel
    master_name: mymaster
    sentinels: ["10.0.0.1:26379", "10.0.0.2:26379", "10.0.0.3:26379"]
    auth: {username: tandem, password_file: orders}
    channels: [C0INCIDENT]
    limits: {max_lag_bytes: 1048576, max_pause_ms: 5000, cooldown_s: 900}
    kubernetes: {namespace: aragora, release: redis, application: {deployment: api, env: REDIS_HOST, health_url: "http://x/health"}}
  sessions:
    kind: replication
    nodes: ["10.0.1.1:6379", "10.0.1.2:6379"]
  carts: {kind: cluster, nodes: ["10.0.2.1:6379"]}
  search: {kind: elasticache, region: eu-west-1, replication_group_id: aragora-redis}
"""


@pytest.fixture
def load(tmp_path):
    (tmp_path / "orders").write_text("pass word\n")

    def load(text):
        path = tmp_path / "targets.yaml"
        path.write_text(text)
        return load_targets(path)

    return load


@pytest.fixture
def wrong(load, tmp_path):
    """What is said about a file, with the path of its directory left out."""

    def wrong(text):
        with pytest.raises(SettingsError) as caught:
            load(text)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return wrong


def sentinel(extra="", name="orders"):
    return (
        f"targets:\n  {name}:\n    kind: sentinel\n    master_name: m\n    sentinels: [10.0.0.1, 10.0.0.2, 10.0.0.3]\n"
        + "".join(f"    {line}\n" for line in extra.splitlines())
    )


def test_the_documented_file_is_read_whole(load):
    fleet = load(DOCUMENTED)
    orders = fleet.targets["orders"]

    assert orders.kind is Kind.SENTINEL
    assert orders.sentinels[2] == Address("10.0.0.3", 26379)
    assert (orders.auth.username, orders.auth.password) == ("tandem", "pass word")
    assert "pass word" not in repr(fleet)
    assert fleet.channels == {"C0INCIDENT": ("orders",)}
    assert fleet.approvers["sessions"] == fleet.requesters["orders"] == People(usergroup="S0REDISOPS")
    assert fleet.targets["sessions"].environment == "production"


def test_one_seed_of_a_cluster_is_enough_and_noted(load):
    fleet = load(DOCUMENTED)

    assert fleet.notes == ("carts: 1 node listed; it tells of all others, but while it is down nobody does.",)
    with pytest.raises(UsageError, match="did you mean orders"):
        fleet.target("order")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (sentinel("chanels: [C0X]"), "targets.yaml:6: targets.orders.chanels is not a known key."),
        (sentinel("chanels: [C0X]"), "Did you mean channels?"),
        (sentinel("limits: {max_lag: 1}"), "targets.yaml:6: targets.orders.limits.max_lag is not a known key."),
        (sentinel("limits: {cooldown_s: soon}"), "targets.yaml:6: targets.orders.limits.cooldown_s has to be a whole"),
        (sentinel("limits: {cooldown_s: 0x10}"), "has to be a whole number from 0 to 604800; it is '0x10'."),
        (sentinel("limits: {max_pause_ms: 0}"), "has to be between 1 and 60000"),
        (sentinel("limits: [1]"), "has to be a mapping of keys to values; it is a list."),
        (sentinel("limits:"), "has to be a mapping of keys to values; it is empty."),
        (sentinel("environment: no"), "has to be a text; put 'no' in quotes."),
        (sentinel("environment: prod"), "write production"),
        (
            sentinel("channels: ['#incident']"),
            "targets.yaml:6: targets.orders.channels[0] is '#incident'; it has to be",
        ),
        (sentinel("channels: C0INCIDENT"), "has to be a list"),
        (sentinel("channels: []"), "is an empty list"),
        (sentinel("nodes: [10.0.0.1:99999]"), "targets.yaml:6: targets.orders.nodes[0] cannot be used: "),
        (sentinel("nodes: ['redis://:word@10.0.0.1:6379']"), "A URL is not an address; write only host:port"),
        (sentinel("nodes: [10.0.0.1, '10.0.0.1:6379']"), "is 10.0.0.1:6379, which is in the list already"),
        (sentinel("kind: sentinel"), "targets.yaml:6: targets.orders.kind is there already in line 3; keep one."),
        (sentinel("auth: {username: a, username: b}"), "username is there already in line 6"),
        (sentinel() + "  orders: {kind: cluster}\n", "targets.yaml:6: targets.orders is there already in line 2"),
        (sentinel() + "targets: {}\n", "targets.yaml:6: targets is there already in line 1"),
        (sentinel(name="Orders"), "targets.yaml:2: targets.Orders is no name for a target"),
        (sentinel(name="-orders"), "is no name for a target"),
        (sentinel(name="x" * 41), "is no name for a target"),
        (sentinel().replace("kind: sentinel", "kind: sentinal"), "Did you mean sentinel?"),
        (sentinel().replace("    master_name: m\n", ""), "targets.yaml:3: targets.orders has no master_name"),
        (sentinel().replace("    kind: sentinel\n", ""), "has no kind"),
        (sentinel().replace("[10.0.0.1, 10.0.0.2, 10.0.0.3]", "[]"), "sentinels is an empty list."),
        ("targets:\n  s: {kind: replication}\n", "targets.yaml:2: targets.s has no nodes: list at least one host:port"),
        ("targets:\n  s: {kind: replication, nodes: [a], master_name: m}\n", "master_name is for kind sentinel only"),
        ("targets:\n  s: {kind: elasticache, region: eu-west-1}\n", "has no replication_group_id"),
        (
            "targets:\n  s: {kind: elasticache, replication_group_id: g}\n",
            "targets.s has no region: AWS is asked there",
        ),
        ("targets:\n  s: {kind: elasticache, region: Ireland}\n", "the name of a region, such as eu-west-1"),
        (
            "targets:\n  s: {kind: elasticache, region: eu-west-1, replication_group_id: arn:aws:x}\n",
            "is 'arn:aws:x'; it has to be the id of a replication group",
        ),
        (
            "targets:\n  s: &s {kind: elasticache, region: eu-west-1, replication_group_id: G}\n  t: *s\n",
            "is the same deployment as s: replication group g in eu-west-1 is in both",
        ),
        (
            "targets:\n  s: {kind: elasticache, region: eu-west-1, replication_group_id: g, nodes: [10.0.0.1]}\n",
            "nodes is not for kind elasticache: AWS says which nodes there are. Remove it.",
        ),
        ("targets:\n  s: {kind: elasticache, region: }\n", "targets.s.region is empty."),
        (sentinel("region: eu"), "region is for kind elasticache only"),
        (sentinel("kubernetes: {pod: x}"), "kubernetes.pod is not a known key"),
        (sentinel("approvers: {}"), "names nobody"),
        (sentinel("approvers: {users: ['@lead']}"), "a user's id"),
        (sentinel("approvers: {usergroup: redis-ops}"), "a user group's id"),
        (sentinel("tls: {cert_file: orders}"), "has no key_file"),
        (sentinel("tls: {ca_file: nowhere.pem}"), "which is not a file"),
        (sentinel("tls: sometimes"), "has to be a mapping"),
        ("targets: {}\n", "targets.yaml:1: targets is empty"),
        ("approvers: {users: [U0LEAD]}\n", "has no targets"),
        ("a: 1\ntargets: }", "targets.yaml:2: this is not YAML"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("", "targets.yaml is empty."),
        ("\x00", "targets.yaml is not YAML"),
    ],
)
def test_a_mistake_names_the_file_the_line_and_the_mend(wrong, text, said):
    assert said in wrong(text)


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ("{password_file: nowhere}", "targets.yaml:6: targets.orders.auth.password_file cannot be used"),
        ("{password_file: empty}", "which is empty; put the secret into it"),
        ("{password_env: NOT_SET_ANYWHERE}", "the variable 'NOT_SET_ANYWHERE', which is not set or empty"),
        ("{password_env: TANDEM_ORDERS}", "variables that begin with TANDEM_ are settings"),
        ("{username: tandem}", "needs one of password_file and password_env"),
        ("{password_file: orders, password_env: X}", "and not both"),
    ],
)
def test_a_secret_that_cannot_be_had_is_an_error(wrong, tmp_path, auth, said):
    (tmp_path / "empty").write_text("\n")

    assert said in wrong(sentinel(f"auth: {auth}"))


def test_a_password_in_the_file_is_refused_and_not_repeated(wrong):
    said = wrong(sentinel("auth: {password: hunter2}"))

    assert "targets.yaml:6: targets.orders.auth.password is not a known key" in said
    assert "password_file" in said
    assert "hunter2" not in said


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.yaml cannot be read: no such file"):
        load_targets(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"targets: \xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_targets(tmp_path / "latin.yaml")


def test_one_deployment_under_two_names_is_refused(wrong):
    twice = sentinel() + "  copy: {kind: sentinel, master_name: m, sentinels: [10.0.0.3]}\n"
    assert "is the same deployment as orders: master_name 'm' at Sentinel 10.0.0.3:26379 is in both" in wrong(twice)

    nodes = sentinel("nodes: [10.0.0.9]") + "  copy: {kind: replication, nodes: [10.0.0.9]}\n"
    assert "is the same deployment as orders: node 10.0.0.9:6379 is in both" in wrong(nodes)


NAT = """address_map:
  10.0.0.1:26379: 127.0.0.1:26001
  10.0.0.9:6379: db1
  10.0.1.5: gate.example
"""


def test_servers_go_by_their_own_address_and_may_be_listed_by_either(load):
    orders = load(sentinel(NAT + "nodes: [db1, '10.0.1.5', 'gate.example:6380', 10.0.0.8]")).targets["orders"]

    assert orders.nodes == tuple(
        Address(*one) for one in (("10.0.0.9", 6379), ("10.0.1.5", 6379), ("10.0.1.5", 6380), ("10.0.0.8", 6379))
    )
    assert [str(orders.address_map.place(node)) for node in orders.nodes] == [
        *("db1:6379", "gate.example:6379", "gate.example:6380", "10.0.0.8:6379")
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("10.0.0.5:6379: ''", "targets.yaml:7: targets.orders.address_map.10.0.0.5:6379 is empty."),
        ("10.0.0.5:99999: 127.0.0.1:1", "targets.yaml:7: targets.orders.address_map.10.0.0.5:99999 cannot be used:"),
        ("10.0.0.5:6379: 127.0.0.1:x", "'127.0.0.1:x' is not an address; write host:port"),
        ("10.0.0.5: 127.0.0.1:7000", "is 127.0.0.1:7000: a host leads to a host. Write both with their port, or none"),
        ("10.0.0.5:6379: [a]", "has to be a text; it is a list."),
        (
            "10.0.0.5:6379: 10.0.0.5:6379",
            "leads to 10.0.0.5:6379, which is mapped itself; give the address that can be",
        ),
        (
            "10.0.0.5:6379: a:1\n  b:1: 10.0.0.5:6379",
            "targets.yaml:8: targets.orders.address_map.b:1 leads to 10.0.0.5",
        ),
        ("a: b\n  b: a", "targets.yaml:7: targets.orders.address_map.a leads to b, which is mapped itself"),
        ("a: b\n  b:1: a:1", "targets.yaml:8: targets.orders.address_map.b:1 leads to a:1, which is mapped itself"),
        ("a:1: h:1\n  b:1: h:1", "targets.yaml:8: targets.orders.address_map.b:1 leads to h:1, as does line 7: two"),
        ("a:1: h:1\n  a:1: h:2", "targets.yaml:8: targets.orders.address_map.a:1 is there already in line 7"),
    ],
)
def test_a_map_that_does_not_say_who_is_where(wrong, lines, said):
    assert said in wrong(sentinel(f"address_map:\n  {lines}"))


def test_a_map_that_holds_nothing_and_a_server_that_is_listed_twice_through_it(wrong):
    assert "address_map is empty; leave it out" in wrong(sentinel("address_map: {}"))
    twice = wrong(sentinel(NAT + "nodes: [10.0.0.9, db1]"))
    assert "nodes[1] is 10.0.0.9:6379 (db1:6379 by the address map), which is in the list already" in twice


def test_behind_nat_the_servers_of_two_targets_may_go_by_the_same_addresses(load, wrong):
    one = "{kind: replication, nodes: [10.0.0.5], address_map: {'10.0.0.5:6379': 'left:1'}}"
    both = f"targets:\n  one: {one}\n  two: {one}\n"

    assert set(load(both.replace("left", "right", 1)).targets) == {"one", "two"}
    assert "is the same deployment as one: node left:1 is in both" in wrong(both)


def test_sentinels_that_watch_several_masters_are_fine(load):
    fleet = load(sentinel() + "  other: {kind: sentinel, master_name: n, sentinels: [10.0.0.1]}\n")

    assert set(fleet.targets) == {"orders", "other"}


def test_sentinels_speak_tls_as_the_nodes_do_unless_said_otherwise(load):
    assert load(sentinel("tls: true")).targets["orders"].sentinel_tls == Tls()
    assert load(sentinel("tls: true\nsentinel_tls: false")).targets["orders"].sentinel_tls is None
    assert load(sentinel()).targets["orders"].tls is None


def test_own_approvers_and_requesters_win_and_a_user_counts_once(load):
    fleet = load(
        "approvers: {users: [U0LEAD, U0LEAD]}\nrequesters: {usergroup: S0ALL}\n"
        + sentinel("approvers: {users: [U0DBA]}")
    )

    assert fleet.approvers["orders"] == People(users=("U0DBA",))
    assert fleet.requesters["orders"] == People(usergroup="S0ALL")
    assert load("approvers: {users: [U0LEAD, U0LEAD]}\n" + sentinel()).approvers["orders"].users == ("U0LEAD",)


def test_a_channel_sees_what_is_bound_to_it_and_any_other_what_is_bound_nowhere(load):
    fleet = load(sentinel("channels: [C0INCIDENT]") + "  other: {kind: replication, nodes: [a, b]}\n")

    assert fleet.seen_from("C0INCIDENT") == ("orders",)
    assert fleet.seen_from("C0RANDOM") == ("other",)
    assert fleet.seen_from(None) == ("orders", "other")


def test_limits_and_the_timeout_are_taken(load):
    target = load(sentinel("limits: {max_lag_bytes: 1_000, timeout_ms: 250}")).targets["orders"]

    assert (target.limits.max_lag_bytes, target.limits.cooldown_s, target.timeout_ms) == (1000, 900, 250)


RULES = """\
break_glass: {users: [U0LEAD]}
rules:
  - environments: [production]
    risks: [destructive, irreversible]
    actions: [failover, freeze]
    channels: [C0INCIDENT]
    approvals: 2
  - targets: [orders]
    requesters: {usergroup: S0PAYMENTS}
    approvers: {users: [U0LEAD]}
    break_glass: {users: [U0ONCALL]}
"""


def test_rules_are_read_in_their_order(load):
    fleet = load(sentinel() + RULES)
    first, second = fleet.rules

    assert first == Rule(
        environments=("production",),
        risks=(Risk.DESTRUCTIVE, Risk.IRREVERSIBLE),
        actions=("failover", "freeze"),
        channels=("C0INCIDENT",),
        approvals=2,
    )
    assert (second.targets, second.requesters) == (("orders",), People(usergroup="S0PAYMENTS"))
    assert fleet.break_glass == {"orders": People(users=("U0LEAD",))}
    case = Case("orders", "failover", Risk.DESTRUCTIVE, "C0INCIDENT")
    assert (fleet.approvals_needed(case), fleet.break_glass_of(case)) == (2, People(users=("U0ONCALL",)))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("approvals: 0", "targets.yaml:7: rules[0].approvals is 0, and this rule is also about what is destructive or"),
        (
            "{risks: [destructive], approvals: 0}",
            "is also about what is destructive: that always takes a second person.",
        ),
        ("{risks: [read], approvals: 0}", "rules[0].risks[0] is 'read'; it has to be reversible, destructive or irr"),
        ("{approvals: 10}", "rules[0].approvals is 10; it has to be between 0 and 9."),
        ("{approvals: two}", "rules[0].approvals has to be a whole number"),
        ("{risks: [reversible]}", "rules[0] grants nothing; add requesters, approvers, break_glass or approvals."),
        ("{approval: 1}", "rules[0].approval is not a known key."),
        (
            "{targets: [ordres], approvals: 1}",
            "rules[0].targets[0] is 'ordres'; it has to be orders. Did you mean orders?",
        ),
        ("{environments: [prod], approvals: 1}", "rules[0].environments[0] is 'prod'; it has to be production."),
        (
            "{actions: [health], approvals: 1}",
            "rules[0].actions[0] is 'health'; it has to be failover, ",
        ),
        ("{channels: ['#incident'], approvals: 1}", "it has to be a channel's id, such as C0INCIDENT."),
        ("{approvers: {}}", "rules[0].approvers names nobody"),
    ],
)
def test_a_rule_that_could_not_mean_what_it_says_is_an_error(wrong, rule, said):
    assert said in wrong(sentinel() + f"rules:\n  - {rule}\n")


def test_a_rule_about_what_can_be_undone_may_do_without_approval(load):
    fleet = load(sentinel() + "rules: [{risks: [reversible], approvals: 0}]\n")

    assert fleet.approvals_needed(Case("orders", "tune", Risk.REVERSIBLE)) == 0
