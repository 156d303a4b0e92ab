"""Has a chart drawn by a process of its own, which ends with it: what draws takes 70 MB and a second of one core.

``python -m bot.drawing`` is that process: the chart comes by stdin, the PNG goes to stdout.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
import tempfile
from typing import TYPE_CHECKING

from actions.kit.errors import TandemError

if TYPE_CHECKING:
    from actions.kit.charting import Chart

log = logging.getLogger(__name__)

LONGEST_S = 120.0
"""Whatever takes longer than this hangs."""
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR")
"""What the process has to know of ours; no secret is among it."""


_SMALL = {"OPENBLAS_NUM_THREADS": "1"}
"""numpy has a thread ready for each core, with a buffer of its own; nothing here is for them."""


class CannotDraw(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """There is no picture. The numbers are there all the same."""


async def draw(target: str, chart: Chart) -> bytes:
    """The chart as a PNG.

    Raises:
        CannotDraw: it could not be drawn; a sentence that says why.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tandem-chart-") as folder:
            return await _drawn(pickle.dumps((target, chart)), folder)
    except OSError as error:
        why = (error.strerror or "the system gives no reason").lower()
        raise CannotDraw(f"The picture could not be drawn: {why}.") from error


async def _drawn(chart: bytes, folder: str) -> bytes:
    """``folder``: where matplotlib may write; it insists on that."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"MPLCONFIGDIR": folder, **_SMALL}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bot.drawing"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            picture, said = await process.communicate(chart)
    except TimeoutError as error:
        raise CannotDraw(f"The picture could not be drawn: it was not done after {LONGEST_S:g} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.error("a chart could not be drawn", extra={"said": said.decode(errors="replace")[-2000:]})
        last = said.decode(errors="replace").strip().rpartition("\n")[2] or f"exit {process.returncode}"
        raise CannotDraw(f"The picture could not be drawn: {last[:200]}.")
    return picture


def main() -> None:
    """Draw one chart."""
    target, chart = pickle.load(sys.stdin.buffer)  # noqa: S301 -- Only ``draw`` writes there.
    from bot.render.chart_picture import png  # noqa: PLC0415 -- Whoever imports this module is to do without it.

    sys.stdout.buffer.write(png(target, chart))


if __name__ == "__main__":
    main()
