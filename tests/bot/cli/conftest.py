"""The terminal as people and programs meet it: a process with words, an exit code and two streams."""

import asyncio
import contextlib
import io
import json
import os
import sqlite3
import sys
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
import yaml

from bot.cli import main
from bot.directory import Human
from bot.ledger import Ledger, Person
from tests.failover import PATIENT

PROGRAM = "from bot.cli import main; main()"
TANDEM = (sys.executable, "-c", PROGRAM)


@dataclass
class Ended:
    """One command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Terminal:
    """Runs `tandem` in a directory of its own, with nothing set but what a test sets."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.program = PROGRAM
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        self.environment |= {"TANDEM_TARGETS_FILE": str(directory / "targets.yaml")}
        self.environment |= {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONWARNINGS": "error"}

    def targets(self, **targets):
        """Write targets.yaml."""
        (self.directory / "targets.yaml").write_text(yaml.safe_dump({"targets": targets}))

    def of(self, secret: str) -> "Terminal":
        """The terminal of whoever has this token."""
        other = Terminal(self.directory)
        other.environment = self.environment | {"TANDEM_TOKEN": secret}
        return other

    async def types(self, line: str, meanwhile=None) -> Ended:
        """Run `tandem` with these words, its streams piped; `meanwhile` happens to its process."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", self.program),
            *line.split(),
            cwd=self.directory,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            (out, err), *_ = await asyncio.gather(process.communicate(), *([meanwhile(process)] if meanwhile else []))
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def says(self, line: str) -> Ended:
        """As `types`, without a process: for words that follow no run, of which a test has many."""
        return await asyncio.to_thread(self._here, line.split())

    def _here(self, words: list[str]) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", ["tandem", *words]),
            contextlib.chdir(self.directory),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


def of(topology, **more):
    """A topology as targets.yaml has it, for servers none of which hangs: a busy machine's are slow to answer."""
    target = {"kind": "sentinel", "master_name": topology.master_name, "sentinels": list(topology.sentinel_addresses)}
    return target | {"limits": PATIENT} | more


PEOPLE = (Human("U0ONCALL", "oncall"), Human("U0LEAD", "lead"), Human("U0GUEST", "guest", is_guest=True))


@asynccontextmanager
async def left_by_a_bot(terminal, **target):
    """The ledger as a bot leaves it: what Slack said of people, and a token for each of them."""
    approvers = {"usergroup": "S0REDISOPS"}
    terminal.targets(orders={"limits": PATIENT, **target, "approvers": approvers, "channels": ["C0INCIDENT"]})
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db")
    try:
        await ledger.people.remember(PEOPLE, {"S0REDISOPS": ("U0ONCALL", "U0LEAD", "U0GUEST")})
        issued = [await ledger.tokens.issue(Person(one.id, one.name), timedelta(hours=12)) for one in PEOPLE]
        yield ledger, *(terminal.of(one.secret) for one in issued)
    finally:
        await ledger.aclose()


def audited(terminal):
    """Each row of the audit as kind, who and details."""
    with closing(sqlite3.connect(terminal.directory / "tandem.db")) as ledger:
        rows = ledger.execute("SELECT kind, who_id, details FROM audit ORDER BY number").fetchall()
    return [(kind, who, json.loads(details)) for kind, who, details in rows]
