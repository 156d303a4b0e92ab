"""What is typed wrongly or cannot be had is one sentence on stderr, and an exit code that says which it is."""

import asyncio
import os
import pty
import sys

import pytest
from typer.main import get_command

from actions.kit.action import ChangeAction
from actions.registry import ACTIONS
from bot.cli.app import app
from tests.bot.cli.conftest import TANDEM

HEAVY = ("slack_bolt", "slack_sdk", "sqlalchemy", "aiohttp", "boto3", "kubernetes", "pydantic", "typer", "rich")
HEAVY += ("prometheus_client", "matplotlib", "numpy", "actions.kit.charting.lines")
ELSEWHERE = ("actions.adapters.kubernetes", "actions.adapters.aws", "actions.adapters.rescue")
ELSEWHERE += ("actions.adapters.rescuing",)
ELSEWHERE += ("actions.adapters.redis.comparing", "actions.kit.kubernetes.view", "actions.kit.elasticache.views")
ELSEWHERE += ("actions.kit.comparison", "actions.kit.rescue", "actions.kit.steps", "bot.render.json_requests")


async def test_no_words_show_the_help(terminal):
    ended = await terminal.types("")

    assert (ended.code, ended.err) == (0, "")
    for command in (
        "serve",
        "demo",
        "status",
        "health",
        "diagnose",
        "verify",
        "plan",
        "show",
        "runs",
        "request",
        "approve",
        "token",
    ):
        assert f" {command} " in ended.out


@pytest.mark.parametrize("command", ["plan", "request"])
def test_every_option_of_a_change_can_be_typed(command):
    typed = {option for one in get_command(app).commands[command].params for option in one.opts}
    named = {f"--{one.name}" for action in ACTIONS if isinstance(action, ChangeAction) for one in action.options}
    assert named <= typed


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        ("helth orders", 2, "No such command 'helth'. Did you mean 'health'? Type tandem --help for what there is."),
        ("health oders", 2, "There is no target 'oders'; did you mean orders?"),
        ("health", 2, "Which target? There are carts and orders."),
        ("plan falover orders", 2, "There is no action 'falover'; did you mean failover?"),
        ("plan health orders", 2, "health changes nothing and has no plan; run: tandem health"),
        ("request falover orders", 2, "There is no action 'falover'; did you mean failover?"),
        ("request failover oders", 2, "There is no target 'oders'; did you mean orders?"),
        ("request failover orders --too x", 2, "No such option: --too"),
        ("request failover orders", 2, "There is no ledger at tandem.db"),
        ("approve R-1", 2, "There is no ledger at tandem.db"),
        ("deny R-1", 2, "There is no ledger at tandem.db"),
        ("sign R-1", 2, "There is no ledger at tandem.db"),
        ("runs", 2, "There is no ledger at tandem.db; run this where the bot runs, or set TANDEM_LEDGER_URL"),
        ("show R-1", 2, "There is no ledger at tandem.db"),
        ("runs oders", 2, "There is no target 'oders'; did you mean orders?"),
        ("verify orders --again soon", 2, "Invalid value for '--again'"),
        ("verify orders --again -1", 2, "Invalid value for '--again'"),
        ("health orders carts", 2, "unexpected extra argument"),
        ("request failover orders --too x", 2, "Type tandem request --help for what there is."),
        ("audit export --nope", 2, "Type tandem audit export --help for what there is."),
        ("status orders", 2, "unexpected extra argument"),
    ],
)
async def test_a_mistake_is_one_sentence(terminal, line, code, sentence):
    terminal.targets(
        orders={"kind": "replication", "nodes": ["127.0.0.1:1"]}, carts={"kind": "cluster", "nodes": ["127.0.0.1:2"]}
    )
    ended = await terminal.says(line)

    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


async def test_wrong_settings_are_exit_code_2_with_their_place(terminal):
    ended = await terminal.types("health orders")
    assert (ended.code, ended.err.endswith("targets.yaml cannot be read: no such file or directory.\n")) == (2, True)

    terminal.targets(orders={"kind": "replication", "noodles": []})
    ended = await terminal.types("health orders")
    assert ended.code == 2
    assert "targets.yaml:4: targets.orders.noodles is not a known key." in ended.err

    terminal.environment["TANDEM_TARGET_FILE"] = "x"
    ended = await terminal.types("health orders")
    assert ended.code == 2
    assert "did you mean TANDEM_TARGETS_FILE?" in ended.err


async def test_serving_without_tokens_says_which_are_missing(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1"]})
    ended = await terminal.types("serve")

    assert ended.code == 2
    assert "TANDEM_SLACK_BOT_TOKEN is not set" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("loads", [HEAVY, ELSEWHERE], ids=["slack, the database, typer", "what is not looked at"])
async def test_a_plain_look_does_not_load(terminal, loads):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1", "127.0.0.1:2"]})
    script = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print(*[name for name in {loads} if name in sys.modules], file=sys.stderr))\n"
        "sys.argv = ['tandem', 'health', 'orders', '--json']\n"
        "from bot.cli import main; main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, env=terminal.environment, cwd=terminal.directory, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()

    assert out.startswith(b"{")
    assert err.strip() == b""


async def test_a_terminal_gets_colours_and_a_pipe_does_not(terminal):
    terminal.targets(orders={"kind": "replication", "nodes": ["127.0.0.1:1", "127.0.0.1:2"]})
    leader, follower = pty.openpty()
    terminal.environment |= {"TERM": "xterm-256color"}
    terminal.environment.pop("NO_COLOR", None)
    process = await asyncio.create_subprocess_exec(
        *TANDEM, "status", env=terminal.environment, cwd=terminal.directory, stdout=follower, stderr=follower
    )
    os.close(follower)
    await process.wait()
    shown = os.read(leader, 65536)
    os.close(leader)

    assert b"\x1b[" in shown
    assert b"orders" in shown
    assert "\x1b" not in (await terminal.types("status")).out
