"""Reads what the local Slack has to know from the app's manifest: scopes, commands, events."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Command:
    """One slash command; `should_escape` turns @names and #channels into ids."""

    name: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True)
class Manifest:
    """What the app may do: nothing outside of this works, as with the real Slack."""

    app_name: str
    bot_name: str
    scopes: tuple[str, ...]
    commands: tuple[Command, ...]
    bot_events: tuple[str, ...]
    home_tab: bool

    def command(self, name: str) -> Command | None:
        """Return the command of this name (with its slash), or None."""
        return next((command for command in self.commands if command.name == name), None)


def own_manifest() -> Path:
    """Tandem's manifest.yml: packed beside the sandbox in a wheel, at the top of a checkout."""
    packed = Path(__file__).parents[1] / "manifest.yml"
    return packed if packed.exists() else Path(__file__).parents[2] / "manifest.yml"


def read_manifest(path: Path) -> Manifest:
    """Parse manifest.yml; raises KeyError where a required part is missing."""
    raw = yaml.safe_load(path.read_text("utf-8"))
    features, settings = raw["features"], raw.get("settings", {})
    return Manifest(
        app_name=raw["display_information"]["name"],
        bot_name=features["bot_user"]["display_name"],
        scopes=tuple(raw["oauth_config"]["scopes"]["bot"]),
        commands=tuple(_command(entry) for entry in features.get("slash_commands", ())),
        bot_events=tuple(settings.get("event_subscriptions", {}).get("bot_events", ())),
        home_tab=bool(features.get("app_home", {}).get("home_tab_enabled")),
    )


def _command(entry: dict[str, Any]) -> Command:
    return Command(
        name=entry["command"],
        description=entry["description"],
        usage_hint=entry.get("usage_hint", ""),
        should_escape=bool(entry.get("should_escape")),
    )
