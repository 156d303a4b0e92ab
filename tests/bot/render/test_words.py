"""Phrases, and text from outside: nothing in it is obeyed by a terminal or by Slack."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import words

NASTY = "<!channel> <@U0LEAD> *bold* `code` _it_ ~no~ :white_check_mark: & \x1b[2J\u202e\x00\x9b\nnew"


def test_a_terminal_gets_nothing_to_obey():
    shown = words.plain(NASTY)

    assert "\\x1b[2J" in shown
    assert "\\u202e\\x00\\x9b new" in shown
    assert shown.isprintable()


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(min_value=1, max_value=100))
def test_plain_is_one_printable_line_of_at_most_its_limit(text, limit):
    shown = words.plain(text, limit)

    assert len(shown) <= limit
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_slack_gets_no_mention_markup_or_emoji():
    shown = words.mrkdwn(NASTY)

    assert "<" not in shown
    assert ">" not in shown
    assert not re.search(r"[*~`]|\b:\w+:", shown)
    assert "&lt;!channel&gt;" in shown
    assert ":white_check_mark:" not in shown
    assert "_it_" not in shown


def test_an_underscore_within_a_name_stays():
    assert words.mrkdwn("my_master 10.0.0.1:6379") == "my_master 10.0.0.1:6379"


def test_addresses_and_times_stay_as_they_are_and_emoji_do_not():
    assert words.mrkdwn("10.0.0.1:6379: down since 22:03:38") == "10.0.0.1:6379: down since 22:03:38"
    for emoji in (":100:", ":1234:", ":tada:", ":+1:", ":6379x:"):
        assert emoji not in words.mrkdwn(emoji)


def test_code_cannot_be_left():
    assert words.code("a`b<!here>") == "`a\u02cbb&lt;!here&gt;`"
    assert words.code("[fe80::a:b]:6379") == "`[fe80::a:b]:6379`"


def test_a_long_name_is_cut():
    assert words.quoted("x" * 10_000) == f"'{'x' * 59}…'"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.85, "850 ms"),
        (1.24, "1.2 s"),
        (42, "42 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1_048_576, "1.0 MiB"),
        (2**60, "1024.0 PiB"),
    ],
)
def test_sizes(count, text):
    assert words.size(count) == text


def test_lists_and_counts():
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"], "or") == "a, b or c"
    assert words.counted(2000, "key") == "2,000 keys"
