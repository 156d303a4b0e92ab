"""``python -m bot`` is ``tandem``, for where the console script is not on the path."""

from bot.cli import main

main()
