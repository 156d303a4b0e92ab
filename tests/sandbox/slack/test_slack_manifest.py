"""The manifest is one that Slack takes, and asks for no more than the bot uses."""

import json
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

from sandbox.slack.manifest import read_manifest

ROOT = Path(__file__).parents[3]


def test_the_manifest_is_valid() -> None:
    schema = json.loads((ROOT / "tests/schemas/AppManifest.schema.json").read_text("utf-8"))
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text("utf-8"))
    assert list(Draft7Validator(schema).iter_errors(manifest)) == []
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["features"]["slash_commands"][0]["should_escape"] is True


def test_the_scopes_are_exactly_those_in_use() -> None:
    manifest = read_manifest(ROOT / "manifest.yml")
    expected = {"commands", "chat:write", "files:write", "users:read", "usergroups:read", "im:write"}
    assert set(manifest.scopes) == expected
    assert manifest.bot_events == ("app_home_opened",)
    assert manifest.home_tab
