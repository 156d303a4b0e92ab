"""The picture of how the costs grow is an image that browsers take, with every number in it."""

from pathlib import Path
from xml.etree import ElementTree as ET

from bench.alerts_many import Watched
from bench.growth import PANELS, draw


def test_each_panel_shows_every_number(tmp_path: Path) -> None:
    grown = [
        Watched(size, 100.0 + size / 10, 110.0, size / 10_000, 5, (40.0, float(size))) for size in (10, 100, 1_000)
    ]
    draw(tmp_path / "growth.svg", grown)
    root = ET.fromstring((tmp_path / "growth.svg").read_text())
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [title for title, *_ in PANELS] == [text for text in texts if text in {title for title, *_ in PANELS}]
    assert {"101", "110", "200", "0.001", "0.100", "1,000"} <= set(texts)
