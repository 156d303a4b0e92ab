"""What is shipped is whole: the wheel runs by itself, and the image installs nothing that is not pinned."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("bot", "build", "dev", "runtime")
TOKENS = {
    "TANDEM_SLACK_BOT_TOKEN": "xoxb-known",
    "TANDEM_SLACK_APP_TOKEN": "xapp-known",
    "TANDEM_SLACK_SIGNING_SECRET": "known",
}

OPEN_LEDGER = """
import asyncio
from bot.ledger import Ledger

async def main():
    await (await Ledger.open("sqlite+aiosqlite:///new.db")).aclose()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = ("wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=120)
    return next(folder.glob("tandem_bot-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    words = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", folder, wheel)
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=120)
    return folder


def environment(installed: Path, **variables: str) -> dict[str, str]:
    """That of a process which finds our packages in the wheel, not in the work tree."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return {**others, "PYTHONPATH": str(installed), **variables}


def run(installed: Path, cwd: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *words],
        env=environment(installed, **variables),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "actions", "bot", "sandbox"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    there = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in tracked if (ROOT / name).exists()} <= there
    assert {"sandbox/slack/page/index.html", "bot/ledger/migrations/env.py", "sandbox/manifest.yml"} <= there
    assert {name.split("/")[0] for name in there if ".dist-info/" not in name} == {"actions", "bot", "sandbox"}


def test_the_installed_wheel_runs_without_the_work_tree(installed: Path, tmp_path: Path) -> None:
    script = str(installed / "bin" / "tandem")
    shown = run(installed, tmp_path, script, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "serve" in shown.stdout
    places = run(installed, tmp_path, "-c", "import actions, bot, sandbox; print(actions, bot, sandbox)").stdout
    assert places.count(str(installed)) == 3, places


def test_the_installed_wheel_creates_a_ledger(installed: Path, tmp_path: Path) -> None:
    made = run(installed, tmp_path, "-c", OPEN_LEDGER)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "new.db").stat().st_size > 0


async def test_the_installed_local_slack_serves_alone(installed: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slack = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "sandbox.slack", "--port", str(port), "--public-url", "http://slack.test:80"),
        env=environment(installed, **TOKENS),
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert slack.stderr is not None
        said = (await asyncio.wait_for(slack.stderr.readline(), 30)).decode()
        assert said == "The local Slack is at http://slack.test:80/\n"
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            async with session.get("/") as page:
                assert page.status == 200
            bot = {"Authorization": f"Bearer {TOKENS['TANDEM_SLACK_BOT_TOKEN']}"}
            async with session.post("/api/auth.test", headers=bot) as answer:
                assert (await answer.json())["url"] == "http://slack.test:80/"
            app = {"Authorization": f"Bearer {TOKENS['TANDEM_SLACK_APP_TOKEN']}"}
            async with session.post("/api/apps.connections.open", headers=app) as answer:
                assert (await answer.json())["url"].startswith("ws://slack.test:80/link/")
    finally:
        slack.terminate()
        assert await asyncio.wait_for(slack.wait(), 30) == 0


@pytest.mark.parametrize("missing", TOKENS)
def test_the_local_slack_says_which_token_it_lacks(installed: Path, tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in TOKENS.items() if name != missing}
    refused = run(installed, tmp_path, "-m", "sandbox.slack", "--port", "0", **given)
    assert (refused.returncode, refused.stderr.count("is not set")) == (2, 1)
    assert refused.stderr.startswith(missing)


def pins(lock: str) -> set[str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    return {line.rstrip("\\ ").partition(" ;")[0] for line in text.splitlines() if re.match(r"[\w.\[\]-]+==", line)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_with_hashes_and_names_no_place(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry for entry in entries if not re.search(r"^[\w.\[\]-]+==.*\\\n +--hash=sha256:", entry)] == []
    assert "://" not in text
    assert "index-url" not in text


def test_the_locks_agree() -> None:
    assert pins("bot") == pins("runtime") <= pins("dev")
    assert pins("build") <= pins("dev")


def test_the_bot_lock_holds_every_dependency() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.match(r"[\w-]+", one)[0] for one in wanted}
    assert names <= {re.match(r"[\w-]+", pin)[0] for pin in pins("bot")}


def test_the_image_is_made_of_what_its_context_lets_in() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    copied = {
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "*" in ignored
