"""The ``rescue`` blocks of targets.yaml: for all targets, for one of them, and what is said of mistakes."""

import re

import pytest

from actions.kit.errors import SettingsError
from actions.kit.rescue_place import Folder
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


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("{}", "targets.orders.rescue has no folder"),
        ("{folder: ''}", "targets.orders.rescue.folder is empty."),
        ("{folders: /srv}", "targets.orders.rescue.folders is not a known key. There are folder. Did you mean folder?"),
        ("/srv", "targets.orders.rescue has to be a mapping of keys to values; it is '/srv'."),
    ],
)
def test_a_mistake_is_said_with_its_line(load, own, said):
    with pytest.raises(SettingsError, match=rf"targets\.yaml:3: {re.escape(said)}"):
        load("", own)
