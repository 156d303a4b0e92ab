"""Several processes on one ledger do the same at once: whatever it is, it counts once."""

import asyncio
import json
import sys
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

from bot.ledger import RequestState
from tests.bot.ledger.given import a_plan, approved, filed, ledger_in

PROCESSES = 3
REQUESTS = 6

WORKER = """
import asyncio, json, sys
from actions.kit.errors import Refused
from bot.ledger import Person
from tests.bot.ledger.given import ledger_in

async def main(url, name, ids, settled):
    async with ledger_in(url) as ledger:
        await ledger.runs()
        print("ready", flush=True)
        sys.stdin.readline()
        told = {"decided": [], "begun": [], "expired": [], "claimed": []}
        for each in ids:
            if (await ledger.decide(each, Person(f"U0{name}", name), "approve")).ok:
                told["decided"].append(each)
            try:
                told["begun"].append((await ledger.begin(each)).run_id)
            except Refused:
                pass
            told["expired"] += [one.id for one in await ledger.expire_due()]
        for each in settled:
            if await ledger.claim(each):
                told["claimed"].append(each)
        print(json.dumps(told), flush=True)
        sys.stdin.readline()  # What a process holds that has ended is anybody's.

asyncio.run(main(sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])))
"""


@asynccontextmanager
async def worker(url, name, *ids):
    words = ("-c", WORKER, url, name, *map(json.dumps, ids))
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, *words, **pipes)
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def told_by(process):
    process.stdin.write(b"go\n")
    return json.loads(await process.stdout.readline())


async def test_of_what_several_processes_do_at_once_each_thing_counts_once(ledger_url):
    async with ledger_in(ledger_url, lease_s=0.01) as ledger, AsyncExitStack() as stack:
        waiting = [(await filed(ledger, a_plan(f"t{number}"))).id for number in range(REQUESTS)]
        late = [(await filed(ledger, a_plan(f"l{number}"), minutes=0)).id for number in range(REQUESTS)]
        lapsed = [(await ledger.begin((await approved(ledger, a_plan(f"r{n}"))).id)).run_id for n in range(REQUESTS)]
        started = [worker(ledger_url, f"P{number}", waiting + late, lapsed) for number in range(PROCESSES)]
        workers = await asyncio.gather(*map(stack.enter_async_context, started))
        told = await asyncio.gather(*map(told_by, workers))

        def counted(what):
            return Counter(each for one in told for each in one[what])

        assert counted("decided") == counted("begun") == Counter(waiting)
        assert counted("expired") == Counter(late)
        assert counted("claimed") == Counter(lapsed)
        for each in waiting:
            assert (await ledger.request(each)).state is RequestState.RUNNING
            assert len((await ledger.request(each)).decisions) == 1
        assert (await ledger.verify_audit()).problem is None


STALLED = """
import asyncio, sys, time
from bot.ledger import engines
from bot.ledger.database import Database

engines._STALLED_MS = 500

async def main(url):
    async with Database(url).writing():
        print("in", flush=True)
        time.sleep(600)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_process_that_stops_while_it_has_the_turn_loses_it(postgresql_url):
    """Else one stopped replica would keep all others from writing, and from taking its runs over."""
    async with ledger_in(postgresql_url) as ledger:
        stalled = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STALLED, postgresql_url, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await stalled.stdout.readline() == b"in\n"
            assert (await filed(ledger)).state is RequestState.WAITING
        finally:
            stalled.kill()
            await stalled.wait()
