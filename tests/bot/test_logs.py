"""No token ever gets into the log, whatever an error says."""

import logging

import pytest

from bot.logs import JsonLines, Lines

TOKEN = "tandem_" + "0123456789abcdef" * 4 + "01234567"


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
@pytest.mark.parametrize("secret", ["xoxb-1-abc", "xapp-1-abc", TOKEN])
def test_a_token_is_not_written(formatter, secret):
    record = logging.LogRecord("bot", logging.INFO, "", 0, "it said %s.", (secret,), None)
    record.extra = f"ticket {secret}"
    written = formatter.format(record)
    assert "it said ***" in written
    assert secret not in written
