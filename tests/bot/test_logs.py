"""No token ever gets into the log, whatever an error says."""

import asyncio
import json
import logging

import pytest

from bot.logs import JsonLines, Lines, Standing, about

TOKEN = "tandem_" + "0123456789abcdef" * 4 + "01234567"


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
@pytest.mark.parametrize("secret", ["xoxb-1-abc", "xapp-1-abc", TOKEN])
def test_a_token_is_not_written(formatter, secret):
    record = logging.LogRecord("bot", logging.INFO, "", 0, "it said %s.", (secret,), None)
    record.extra = f"ticket {secret}"
    written = formatter.format(record)
    assert "it said ***" in written
    assert secret not in written


@pytest.mark.parametrize("formatter", [Lines(), JsonLines()])
def test_nor_is_a_bearer_token_of_any_form(formatter):
    record = logging.LogRecord("bot", logging.INFO, "", 0, "sent Authorization: Bearer s3cr3t-of-ours", (), None)
    assert "s3cr3t" not in formatter.format(record)


def line(**extra: object) -> dict[str, object]:
    """What is written now, with these fields."""
    record = logging.LogRecord("bot.x", logging.INFO, "", 0, "it went %s", ("well",), None)
    vars(record).update(extra)
    return json.loads(JsonLines().format(record))


async def test_every_line_has_what_it_is_about_in_tasks_that_were_begun_there_too():
    async def later() -> dict[str, object]:
        await asyncio.sleep(0)
        return line()

    with about(request="R-1"):
        task = asyncio.create_task(later())
        with about(incident="I-1", request=None):
            assert {"request": "R-1", "incident": "I-1"}.items() <= line().items()
        assert line(request="R-2")["request"] == "R-2", "what a line says itself counts"
    assert (await task)["request"] == "R-1"
    plain = line(port=1)
    assert set(plain) == {"at", "level", "logger", "message", "port"}
    assert plain["at"].endswith("+00:00")
    assert (plain["level"], plain["logger"], plain["message"]) == ("info", "bot.x", "it went well")


def test_a_trouble_that_stands_is_logged_once_for_each_change_and_seldom_again(caplog):
    at = iter((0.0, 30.0, 60.0, 90.0, 3600.0, 3600.0, 3690.0, 3691.0, 3692.0))
    standing = Standing(logging.getLogger("bot.x"), remind_s=3600, clock=lambda: next(at))

    def met(which: str, why: str) -> int:
        standing.tell(which, logging.WARNING, "it is not watched: %s", why)
        return len(caplog.messages)

    assert [met("one", why) for why in ("NOPERM", "NOPERM", "refused", "NOPERM", "NOPERM")] == [1, 1, 2, 3, 3]
    assert met("other", "NOPERM") == 4
    assert [met("one", "NOPERM"), met("one", "NOPERM")] == [5, 5], "a reminder, an hour after the last line"
    standing.over("one")
    assert met("one", "NOPERM") == 6, "after it was over it is new"
