"""What the tests of the actions share."""

import pytest


class Progress:
    """Keeps what a person was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def __call__(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def progress() -> Progress:
    return Progress()
