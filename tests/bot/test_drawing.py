"""The picture of a chart, decoded: it is there, its lines are where values are, and nothing is drawn in a gap."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from actions.kit.charting import Source
from actions.kit.charting.making import chart_of
from bot import drawing
from bot.drawing import CannotDraw, draw
from bot.render.chart_picture import COLOURS, DPI, LEFT, RIGHT, WIDTH
from tests.bot.slack_requests import NASTY
from tests.charts import SECONDS, SILENT, T, chart


def columns_of(picture, colour):
    """In which columns of pixels a colour is."""
    same = (np.asarray(picture) == tuple(bytes.fromhex(colour[1:]))).all(axis=2)
    return set(np.flatnonzero(same.any(axis=0)))


async def test_a_line_is_drawn_where_values_are_and_not_where_there_are_none():
    picture = Image.open(io.BytesIO(await draw("orders", chart()))).convert("RGB")
    assert picture.width == WIDTH * DPI
    assert picture.height > picture.width

    def column(second):
        return round((LEFT + (RIGHT - LEFT) * second / (SECONDS - 1)) * picture.width)

    drawn = [columns_of(picture, colour) for colour in COLOURS[:3]]
    whole = set(range(column(1), column(SECONDS - 2)))
    assert len(whole & drawn[0]) == len(whole)
    silent = set(range(column(SILENT.start), column(SILENT.stop - 1)))
    assert not silent & drawn[2]
    assert set(range(column(3), column(SILENT.start - 2))) <= drawn[2]
    assert set(range(column(SILENT.stop + 2), column(SECONDS - 3))) <= drawn[2]


async def test_whatever_there_is_to_draw(monkeypatch):
    nothing = chart_of(Source.SAMPLING, (T, T), 1.0, {})
    many = chart(nodes=30, notes=(NASTY, "$\\nonsense$ " * 40), name=NASTY[:40] + "$\\frac{{{}}}{{2}}$")
    for one in (nothing, many):
        assert Image.open(io.BytesIO(await draw(NASTY, one))).width == WIDTH * DPI
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(drawing.sys, "executable", "/nowhere/python")
    with pytest.raises(CannotDraw, match="could not be drawn: no such file or directory"):
        await draw("orders", nothing)


async def test_a_process_that_fails_or_hangs_is_told_and_ended(monkeypatch, tmp_path):
    stand_in = tmp_path / "python"
    monkeypatch.setattr(drawing.sys, "executable", str(stand_in))
    for script, said in (("echo 'no room' >&2; exit 3", "no room"), ("exec sleep 600", "not done after 0.2 s")):
        stand_in.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{script}\n")
        stand_in.chmod(0o700)
        monkeypatch.setattr(drawing, "LONGEST_S", 0.2 if "sleep" in script else 120)
        with pytest.raises(CannotDraw, match=said):
            await draw("orders", chart())
    if (tmp_path / "pid").exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)
