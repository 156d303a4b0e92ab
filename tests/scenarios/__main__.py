"""``python -m tests.scenarios [WORD]``: prints what each scenario expects and what was said of it."""

import asyncio
import sys

from tests.scenarios.run import cases, expected, heard, matches, run


async def main(word: str) -> int:
    """Run those whose name contains ``word``, one after the other; 1 where one was not as expected."""
    wrong = 0
    for scenario, build in cases():
        if word in scenario.name:
            said = await run(scenario, build)
            good = matches(scenario, said)
            wrong += not good
            columns = (f"{scenario.name} on {build.name}", expected(scenario), heard(said))
            sys.stdout.write("{} {:50} {:55} {}\n".format("ok " if good else "BAD", *columns))
    return 1 if wrong else 0


sys.exit(asyncio.run(main(" ".join(sys.argv[1:]))))
