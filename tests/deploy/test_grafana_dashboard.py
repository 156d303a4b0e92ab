"""The dashboard can be read by Grafana and Prometheus. That its metrics exist: tests/bot/slack/test_metrics.py."""

import json
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from tests.deploy.metric_names import DASHBOARD, documented, expressions, named_by_the_dashboard

PANELS = [one for one in json.loads(DASHBOARD.read_text())["panels"] if one["type"] != "row"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus package")
def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_panel_covers_another_or_says_nothing() -> None:
    cells = {
        panel["title"]: {
            (column, line)
            for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for line in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        }
        for panel in PANELS
    }
    assert len(cells) == len(PANELS)
    assert [pair for pair in combinations(cells, 2) if cells[pair[0]] & cells[pair[1]]] == []
    assert max(column for those in cells.values() for column, _ in those) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(target["datasource"]["uid"] == "${datasource}" for panel in PANELS for target in panel["targets"])


def test_every_documented_metric_that_a_process_tells_is_on_it() -> None:
    shown = {name.removesuffix("_bucket").removesuffix("_count") for name in named_by_the_dashboard()}
    assert documented() - shown == {"tandem_slack_rate_limit_wait_seconds_total"}
