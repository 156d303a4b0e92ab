"""Adds the picture of a chart to what is posted of it, or why there is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from actions.kit.action import Seen
from bot.drawing import CannotDraw, draw
from bot.render.blocks import File, Screen, notice
from bot.render.charting import picture_words
from bot.render.words import bare, cut, mrkdwn

AT_A_TIME = 2
"""So many pictures are drawn at once: each takes 80 MB for a second."""
MAX_ALT = 1_000
"""Characters of what a screen reader reads instead of the picture; the message says all of it."""


class Pictures:
    """Draws, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def added(self, screen: Screen, seen: Seen) -> Screen:
        """The same with the picture of what was charted; as it was where nothing was."""
        if seen.chart is None:
            return screen
        target = bare(seen.snapshot.target, 80)
        try:
            async with self._turns:
                picture = await draw(target, seen.chart)
        except CannotDraw as error:
            return replace(screen, thread=(*screen.thread, notice(f":warning: {mrkdwn(str(error))}")))
        alt = cut(" ".join(picture_words(target, seen.chart)), MAX_ALT)
        file = File("chart.png", picture, f"Chart of {target}", alt)
        return replace(screen, files=(*screen.files, file))
