"""The terminal as people and programs meet it: a process with words, an exit code and two streams."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

TANDEM = (sys.executable, "-c", "from bot.cli import main; main()")


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
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        self.environment |= {"TANDEM_TARGETS_FILE": str(directory / "targets.yaml")}
        self.environment |= {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONWARNINGS": "error"}

    def targets(self, **targets):
        """Write targets.yaml."""
        (self.directory / "targets.yaml").write_text(yaml.safe_dump({"targets": targets}))

    async def types(self, line: str) -> Ended:
        """Run `tandem` with these words, its streams piped."""
        process = await asyncio.create_subprocess_exec(
            *TANDEM,
            *line.split(),
            cwd=self.directory,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


def of(topology, **more):
    """A topology as targets.yaml has it."""
    target = {"kind": "sentinel", "master_name": topology.master_name, "sentinels": list(topology.sentinel_addresses)}
    return target | more
