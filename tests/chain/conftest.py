"""What the chain's tests take of those of the actions."""

from tests.actions.conftest import progress

__all__ = ["progress"]
