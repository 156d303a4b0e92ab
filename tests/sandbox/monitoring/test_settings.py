"""The sandbox's Prometheus goes by what deploy/ recommends: only addresses and durations are others."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.monitoring import Monitoring, Watched, installed
from sandbox.monitoring.settings import Places, alertmanager, hurried, prometheus, shorter

DEPLOY = Path(__file__).parents[3] / "deploy" / "prometheus"
PLACES = Places("127.1.1.1:9090", "127.1.1.2:9093", "127.1.1.3:9121")
WATCHED = (Watched("orders", ("127.2.2.1:6379",), ("127.2.2.201:26379",)), Watched("carts", ("127.2.3.1:6379",)))


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.mark.parametrize(
    ("duration", "times", "shortened"),
    [("15s", 10, "1500ms"), ("1m30s", 10, "9000ms"), ("4h", 10, "1440000ms"), ("2ms", 10, "1ms"), ("0s", 10, "0s")],
)
def test_a_duration_becomes_shorter_and_never_nothing(duration: str, times: float, shortened: str) -> None:
    assert shorter(duration, times) == shortened


def test_a_program_does_nothing_more_often_than_each_second() -> None:
    assert hurried({"group_wait": "5s", "group_interval": "30s"}, 10) == {
        "group_wait": "1000ms",
        "group_interval": "3000ms",
    }


def test_the_rules_are_the_same_but_for_their_durations() -> None:
    text = (DEPLOY / "redis.rules.yml").read_text()
    again = yaml.safe_dump(hurried(yaml.safe_load(text), 10))
    assert yaml.safe_load(again) == hurried(read("redis.rules.yml"), 10) != read("redis.rules.yml")
    without = re.compile(r"\d+(ms|s|m)(?=]|\)|\n|$| )")
    before, after = (
        [(rule["alert"], without.sub("…", rule["expr"]), rule["annotations"]) for rule in each_rule(rules)]
        for rules in (read("redis.rules.yml"), yaml.safe_load(again))
    )
    assert before == after
    (changed,) = (rule for rule in each_rule(yaml.safe_load(again)) if rule["alert"] == "RedisMasterChanged")
    assert changed["expr"].count("offset 30000ms") == 2


def each_rule(rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in rules["groups"] for rule in group["rules"]]


def test_who_is_scraped_through_which_exporter() -> None:
    made = yaml.safe_load(prometheus((DEPLOY / "prometheus.yml").read_text(), 10, PLACES, WATCHED))
    jobs = {job["job_name"]: job for job in made["scrape_configs"]}
    assert list(jobs) == ["redis", "redis-sentinel", "redis-exporter"]
    assert [one["labels"]["group"] for one in jobs["redis"]["static_configs"]] == ["orders", "carts"]
    assert jobs["redis-sentinel"]["static_configs"][0]["targets"] == ["redis://127.2.2.201:26379"]
    assert jobs["redis"]["relabel_configs"][-1]["replacement"] == PLACES.exporter
    assert made["global"]["scrape_interval"] == "1000ms"


def test_alertmanager_delivers_to_us_as_it_would_to_anybody() -> None:
    made = yaml.safe_load(alertmanager((DEPLOY / "alertmanager.yml").read_text(), 10, "http://127.9.9.9:8080/alerts"))
    (webhook,) = made["receivers"][0]["webhook_configs"]
    theirs = read("alertmanager.yml")["receivers"][0]["webhook_configs"][0]
    assert webhook == theirs | {"url": "http://127.9.9.9:8080/alerts"}
    assert made["inhibit_rules"] == read("alertmanager.yml")["inhibit_rules"]


def test_without_the_programs_there_is_no_chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed() is None


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs Debian's prometheus package")
async def test_a_program_that_does_not_start_says_why_and_leaves_nothing_running() -> None:
    programs = installed()
    if programs is None:
        pytest.skip("needs Debian's prometheus-alertmanager and prometheus-redis-exporter packages")
    made = Monitoring(programs, [Watched("orders", ("not an address at all\n",))], "http://127.0.0.1:1", "t")
    made.alertmanager._command.append("--no-such-flag")
    with pytest.raises(RuntimeError, match="no-such-flag"):
        async with made:
            pass
    assert not any(one.running for one in (made.prometheus, made.alertmanager, made.exporter))
