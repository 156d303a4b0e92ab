"""What a person types, also through Slack's clients: understood, or answered with what to type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.action import ChangeAction
from actions.kit.errors import UsageError
from actions.kit.plan import Refusal, Risk
from actions.registry import ACTIONS
from bot.grammar import parse
from bot.vocabulary import MENU, WORDS, options_of, settings_of, typed, usage

TARGETS = ("orders", "sessions")


def read(text, default=None, targets=TARGETS):
    return parse(text, ACTIONS, targets, default)


def said(text, **more):
    with pytest.raises(UsageError) as caught:
        read(text, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "failover orders --to 10.0.0.2:6379",
        "failover --to=10.0.0.2:6379 orders",
        "FailOver Orders --TO 10.0.0.2:6379",
        "failover orders —to 10.0.0.2:6379",
        "failover orders \u2013to 10.0.0.2:6379",
        "failover orders —to=“10.0.0.2:6379”",
        "failover 'orders' --to \u201810.0.0.2:6379\u2019",
        "failover\u00a0orders\n--to\t10.0.0.2:6379",
        "failover orders\u200b --to 10.0.0.2:6379",
        "failover orders --to <http://10.0.0.2:6379|10.0.0.2:6379>",
        "failover orders --to <http://10.0.0.2:6379>",
        "failover orders --to <https://10.0.0.2:6379/>",
    ],
)
def test_one_command_however_it_arrives(text):
    command = read(text)

    assert (command.word, command.target, command.options) == ("failover", "orders", {"to": "10.0.0.2:6379"})


def test_a_host_that_slack_made_a_link_of_is_a_host_again():
    command = read("failover orders --to <http://redis.example.com|redis.example.com>:6379")

    assert command.options == {"to": "redis.example.com:6379"}


def test_nothing_is_the_menu_and_help_knows_its_topic():
    assert read("").word == read(" \u00a0 ").word == MENU
    assert read("help failover").argument == "failover"
    assert read("failover orders --help").argument == "failover"
    assert read("help").argument == ""
    assert read("help Freeze").argument == read("freeze --help").argument == "freeze"


def test_all_targets_are_also_meant_as_a_message_writes_them():
    assert read("freeze \u2217 --reason x").argument == "*"


def test_a_target_can_be_left_out_where_the_channel_has_one():
    assert read("health", default="orders").target == "orders"
    assert read("health sessions", default="orders").target == "sessions"
    assert said("health") == "Which target? There are orders and sessions. Type for example: /redis health orders"


def test_the_words_of_the_ledger():
    assert read("show R-7F3K").argument == "R-7F3K"
    assert read("runs Orders").argument == "orders"
    assert said("show") == "show needs to know the id of a request, such as R-7F3K9; type: /redis show R"


def test_a_freeze_is_of_one_target_or_of_all_and_takes_a_reason():
    command = read("freeze Orders --reason “release day”")
    assert (command.word, command.argument, command.reason) == ("freeze", "orders", "release day")
    assert read("freeze * --reason x").argument == "*"
    assert read("thaw", default="orders").argument == "orders"
    assert read("thaw orders --reason over").reason == "over"
    assert said("thaw") == 'thaw needs to know which target; type: /redis thaw TARGET|* [--reason "…"]'
    assert said("freeze orders") == 'freeze needs --reason "…"; type: /redis freeze TARGET|* --reason "…"'
    assert "did you mean orders?" in said("freeze oders --reason x")
    assert "put a reason of several words in quotes" in said("freeze orders --reason release day")


def test_a_change_takes_the_flag_that_breaks_the_glass():
    command = read("failover orders —break-glass --reason “the disk is dying”")
    assert (command.break_glass, command.reason, command.options) == (True, "the disk is dying", {})
    assert read("failover --break-glass orders").target == "orders"
    assert not read("failover orders").break_glass
    assert "takes no value; type it alone." in said("failover orders --break-glass=yes")
    assert "is there twice" in said("failover orders --break-glass --break-glass")
    assert "health takes no options" in said("health orders --break-glass")
    assert read("undo R-7F3K2 --break-glass --reason now").break_glass
    assert (read("undo R-7F3K2").break_glass, read("undo R-7F3K2").options) == (False, {})
    irreversible = ChangeAction("flush", "Flush.", Risk.IRREVERSIBLE, plan=lambda *_: Refusal("orders", "flush", ()))
    assert "--break-glass" not in usage(irreversible)


def test_a_review_is_signed_with_a_note():
    command = read("sign R-7F3K2 --note “the disk was dying”")
    assert (command.word, command.argument, command.options) == ("sign", "R-7F3K2", {"note": "the disk was dying"})
    for word in ("sign", "deny"):  # What is wrong with the request is told before a note or a reason is asked for.
        assert read(f"{word} R-7F3K2").argument == "R-7F3K2"
    assert said("deny").startswith("deny needs to know the id of a request")
    assert "A note has at most 500 characters" in said(f"sign R-7F3K2 --note {'x' * 501}")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("helth orders", "There is no action 'helth'; did you mean /redis health?"),
        ("xyzzy", "There is no action 'xyzzy'; type /redis help for what there is."),
        ("health oders", "There is no target 'oders' here; did you mean orders?"),
        ("health zzz", "There is no target 'zzz' here; there are orders and sessions."),
        ("orders", "orders is a target; say first what to do, such as: /redis health orders"),
        ("failover orders --too x", "failover has no option '--too'; did you mean --to?"),
        ("failover orders -to x", "failover has no option '-to'; did you mean --to?"),
        ("health orders --to x", "health takes no options, and '--to' is one; type: /redis health TARGET"),
        ("failover orders --to", "--to needs a value; type: /redis failover … --to HOST:PORT"),
        ("failover orders --to --to", "--to needs a value; type: /redis failover … --to HOST:PORT"),
        ("failover orders --to=", "--to needs a value; type: /redis failover … --to HOST:PORT"),
        ("failover orders --to a --to b", "--to is there twice; keep one."),
        ("health orders sessions", "'sessions' is one word too many; type: /redis health TARGET"),
        ("status orders", "status is about all targets and takes none; type: /redis status"),
        ("show a b", "'b' is one word too many; type: /redis show R"),
        ("audit R-7F3K2", "'R-7F3K2' is one word too many; type: /redis audit"),
        ("resume R-7F3K2", "resume is a button here, on the message of the run; in a terminal: tandem resume"),
        ("help nope", "There is no action 'nope'; type /redis help for what there is."),
        ('health "orders', "A quotation mark is not closed; close it, or leave it out."),
        ("health <!channel>", "There is no target '!channel' here; there are orders and sessions."),
        ("health <@U0LEAD|orders>", "There is no target '@U0LEAD' here; there are orders and sessions."),
        ("health \x1b[31mred", "There is no target '\\x1b[31mred' here; there are orders and sessions."),
    ],
)
def test_what_cannot_be_understood_is_answered_with_what_to_type(text, answer):
    assert said(text) == answer


def test_ten_thousand_characters_are_counted_and_not_repeated():
    assert said("x" * 10_000).startswith("That has 10,000 characters")
    assert len(said("x" * 10_000)) < 200
    assert len(said("health " + "x" * 900)) < 200


def test_usage_says_how_an_action_is_typed():
    options = "[--to HOST:PORT] [--shard SLOT] [--host HOST] [--application switch|roll-back|leave]"
    assert [usage(action) for action in ACTIONS if action.name in {"status", "failover"}] == [
        "status",
        f'failover TARGET {options} [--reason "…"] [--break-glass]',
    ]


@pytest.mark.parametrize(
    "text",
    [
        'failover orders --reason "disk is dying"',
        "failover orders --reason “disk is dying”",
        "failover —reason='disk is dying' orders",
    ],
)
def test_a_change_takes_a_reason_which_is_no_option_of_the_plan(text):
    command = read(text)

    assert (command.target, command.reason, command.options) == ("orders", "disk is dying", {})


def test_a_reason_that_is_not_understood_says_how_to_write_it():
    assert "in quotes" in said("failover orders --reason disk is dying")
    assert said("failover orders --reason " + "x" * 501) == "A reason has at most 500 characters, and this one 501."
    assert "health takes no options" in said("health orders --reason x")
    assert "did you mean --reason?" in said("failover orders --reson x")


def test_where_no_target_is_bound_that_is_said():
    assert said("health", targets=()) == "No target is bound to this channel; ask where they are."


@given(st.text(max_size=200))
def test_whatever_is_typed_is_understood_or_answered(text):
    try:
        read(text)
    except UsageError as error:
        assert str(error)  # noqa: PT017 -- Both outcomes are right; nothing else may be raised.


def test_what_the_help_says_of_words_and_options_reads_as_what_it_says_of_actions() -> None:
    options = [
        *(one for action in ACTIONS for one in (*settings_of(action), *options_of(action))),
        *(one for word in WORDS for one in word.options),
    ]
    texts = [*(action.summary for action in ACTIONS), *(word.summary for word in WORDS), *(one.help for one in options)]
    assert [text for text in texts if not text[0].isupper() or not text.endswith(".")] == []


def test_settings_are_typed_by_their_names():
    command = read('tune orders MaxMemory=4gb client-output-buffer-limit=“replica 1gb 512mb 60” --reason "too small"')
    assert (command.word, command.target, command.reason) == ("tune", "orders", "too small")
    assert command.options == {"maxmemory": "4gb", "client-output-buffer-limit": "replica 1gb 512mb 60"}
    assert read("tune maxmemory=4gb orders").options == read("tune maxmemory=4gb", default="orders").options
    assert read("tune orders <mailto:maxmemory@10.0.0.1|maxmemory@10.0.0.1>:6379=1gb").options == {
        "maxmemory@10.0.0.1:6379": "1gb"
    }
    assert said("tune orders maxmemory=1gb maxmemory=2gb") == "maxmemory is there twice; keep one."
    assert said("tune orders maxmemory 4gb").endswith(
        'type: /redis tune TARGET NAME=VALUE… [--reason "…"] [--break-glass]'
    )
    assert said("tune orders --maxmemory 4gb") == (
        "maxmemory is typed without dashes: /redis tune TARGET maxmemory=VALUE"
    )
    assert "There is no target 'maxmemory=4gb'" in said("failover maxmemory=4gb")


def test_what_was_typed_is_typed_again_as_it_was():
    line = 'tune orders maxmemory=4gb maxmemory@10.0.0.1:6379=1gb client-output-buffer-limit="replica 1gb 512mb 60"'
    command = read(line)
    assert command.word + " orders" + typed(command.action, command.options) == line
    assert typed(None, {"to": "10.0.0.2:6379"}) == " --to 10.0.0.2:6379"
