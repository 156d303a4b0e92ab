"""The ``rescue`` blocks of targets.yaml: for all targets, for one of them, and what is said of mistakes."""

import re

import pytest

from actions.kit.errors import SettingsError
from actions.kit.rescue_place import Bucket, Folder, Volume
from bot.targets import load_targets


@pytest.fixture
def load(tmp_path):
    def load(general, own=""):
        path = tmp_path / "targets.yaml"
        more = f", rescue: {own}" if own else ""
        path.write_text(
            f"{general}\ntargets:\n"
            f"  orders: {{kind: replication, nodes: [10.0.0.1, 10.0.0.2]{more}}}\n"
            "  carts: {kind: replication, nodes: [10.0.1.1, 10.0.1.2]}\n"
        )
        return {name: target.rescue for name, target in load_targets(path).targets.items()}

    return load


def test_a_target_that_says_nothing_has_what_is_said_for_all(load, tmp_path):
    assert load("") == {"orders": None, "carts": None}
    assert load("rescue: {folder: /srv/rescue}") == dict.fromkeys(("orders", "carts"), Folder("/srv/rescue"))
    assert load("rescue: {folder: /srv/rescue}", "{folder: own}") == {
        "orders": Folder(str(tmp_path / "own")),
        "carts": Folder("/srv/rescue"),
    }


def test_a_bucket_may_say_more(load):
    assert load("", "{s3: {bucket: copies}}")["orders"] == Bucket("copies")
    more = "{s3: {bucket: copies, prefix: a/b, region: eu-west-1, endpoint_url: 'http://10.0.0.9:9000'}}"
    bucket = load("", more)["orders"]
    assert bucket == Bucket("copies", "a/b", "eu-west-1", "http://10.0.0.9:9000")
    assert str(bucket) == "s3://copies/a/b"


def test_a_volume_is_where_the_target_is(load):
    volume = load("", "{pvc: {claim: copies, folder: a/b}}, kubernetes: {namespace: aragora, release: redis}")["orders"]
    assert (volume, str(volume)) == (Volume("copies", "a/b"), "volume copies/a/b")
    with pytest.raises(SettingsError, match=r"rescue\.pvc\.folder is '\.\./x'; it has to be a folder of that volume"):
        load("", "{pvc: {claim: copies, folder: ../x}}, kubernetes: {namespace: aragora, release: redis}")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("{}", "targets.orders.rescue has to name one place: folder, s3 or pvc."),
        ("{folder: a, s3: {bucket: abc}}", "targets.orders.rescue has to name one place: folder, s3 or pvc."),
        (
            "{pvc: {claim: copies}}",
            "targets.orders.rescue names a volume, and this target has no kubernetes block that",
        ),
        ("{s3: {}}", "targets.orders.rescue.s3 has no bucket: it is where the copies go."),
        ("{s3: {bucket: A}}", "targets.orders.rescue.s3.bucket is 'A'; it has to be the name of a bucket."),
        ("{s3: {bucket: abc, prefix: /x}}", "targets.orders.rescue.s3.prefix is '/x'; it has to be what keys"),
        ("{s3: {bucket: abc, region: west}}", "targets.orders.rescue.s3.region is 'west'; it has to be the name of"),
        ("{folder: ''}", "targets.orders.rescue.folder is empty."),
        (
            "{folders: /srv}",
            "targets.orders.rescue.folders is not a known key. There are folder, s3 and pvc. Did you mean folder?",
        ),
        ("/srv", "targets.orders.rescue has to be a mapping of keys to values; it is '/srv'."),
    ],
)
def test_a_mistake_is_said_with_its_line(load, own, said):
    with pytest.raises(SettingsError, match=rf"targets\.yaml:3: {re.escape(said)}"):
        load("", own)
