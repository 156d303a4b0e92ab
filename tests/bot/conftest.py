"""What the tests of the bot share."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from bot.logs import JsonLines


@pytest.fixture
def written() -> Iterator[StringIO]:
    """The log as a program reads it: a JSON object a line."""
    root, stream = logging.getLogger(), StringIO()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
