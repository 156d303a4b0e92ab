"""``python -m tests.scenarios [WORD]``: prints what each scenario expects and what was said of it."""

import asyncio
import sys

from tests.scenarios.run import cases, row, run
from tests.scenarios.table import HEADING, line


async def main(word: str) -> int:
    """Run those whose name contains ``word``, one after the other; 1 where one was not as expected."""
    wrong = 0
    sys.stdout.write(line(HEADING))
    for scenario, build in cases():
        if word in scenario.name:
            heard = await run(scenario, build)
            wrong += not heard.right
            sys.stdout.write(line(row(scenario, build, heard)))
            sys.stdout.flush()
    return 1 if wrong else 0


sys.exit(asyncio.run(main(" ".join(sys.argv[1:]))))
