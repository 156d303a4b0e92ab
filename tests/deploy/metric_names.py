"""Which metrics of Tandem the dashboard, the rules and the documents name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

from tests.deploy.promtool import ROOT, TANDEM_RULES

DASHBOARD = ROOT / "deploy" / "grafana" / "tandem.json"
OPERATIONS = ROOT / "docs" / "operations.md"
_NAME = re.compile(r"\b(?:tandem|process)_[a-z_]*[a-z]\b")
_DOCUMENTED = re.compile(r"`(tandem_[a-z_]+)(?:\{[a-z,]+\})?`")


def expressions() -> tuple[str, ...]:
    """What the dashboard asks Prometheus, with values for Grafana's own variables."""
    found = _each_expression(json.loads(DASHBOARD.read_text()))
    return tuple(one.replace("$__rate_interval", "5m").replace("$job", "tandem") for one in found)


def named_by_the_dashboard() -> set[str]:
    """Every metric in its expressions."""
    return {name for one in expressions() for name in _NAME.findall(one)}


def named_by_the_rules() -> set[str]:
    """Every metric in the expressions of the alerts about Tandem."""
    groups = yaml.safe_load(TANDEM_RULES.read_text())["groups"]
    return {name for group in groups for rule in group["rules"] for name in _NAME.findall(rule["expr"])}


def documented() -> set[str]:
    """Every metric in the tables of docs/operations.md, histograms without what is added to their names."""
    tables = [line.split("|")[1] for line in OPERATIONS.read_text().splitlines() if line.startswith("| `tandem_")]
    return {name for cell in tables for name in _DOCUMENTED.findall(cell)}


def _each_expression(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield value["expr"]
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from _each_expression(one)
