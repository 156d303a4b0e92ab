"""A comparison of keys in words: what nothing proves is not said, and a name is nothing but a name."""

from dataclasses import replace

from actions.kit.action import Seen
from actions.kit.comparison import Comparison, Found, KeyName
from actions.kit.diagnosis import diagnose
from bot.render.blocks_compared import comparison_blocks, names_message
from bot.render.blocks_findings import diagnosed
from bot.render.compared import comparison_json, comparison_lines, name_lines
from tests import builders
from tests.bot.render.slack_judges import accepted

ENDS = (builders.node_at(2), builders.node_at(1))
HOSTILE = KeyName(3, b"<!channel> *x* \x1b[31m\n\xff" + b"k" * 500, Found.DIFFERENT)
COUNTED = Comparison(*ENDS, 1_200, 0, 7, 88, 2, complete=True, seconds=1.23456)


def seen(**more):
    snapshot = builders.healthy()
    return Seen(snapshot, diagnose(snapshot), **more)


def test_counts():
    assert list(comparison_lines(seen())) == []
    assert list(comparison_lines(seen(comparisons=(COUNTED,)))) == [
        f"{ENDS[0]} and {ENDS[1]}: 1,200 only on the first, 0 only on the second, 7 different, 88 the same, 2 undecided"
    ]
    assert comparison_json(seen(comparisons=(COUNTED,)))["compared"] == [
        {
            "first": str(ENDS[0]),
            "second": str(ENDS[1]),
            "only_first": 1_200,
            "only_second": 0,
            "different": 7,
            "same": 88,
            "undecided": 2,
            "examined": 1_297,
            "complete": True,
            "why_incomplete": "",
            "seconds": 1.235,
        }
    ]


def test_that_all_is_the_same_is_said_of_a_whole_comparison_only():
    whole = Comparison(*ENDS, same=9)
    part = replace(whole, complete=False, why_incomplete="It died.")

    assert "Nothing is lost" in "\n".join(comparison_lines(seen(comparisons=(whole,))))
    text = "\n".join(comparison_lines(seen(comparisons=(part,))))
    assert "Nothing is lost" not in text
    assert "Not all keys were compared" in text
    assert "It died." in text
    assert list(comparison_lines(seen(uncompared="There is one."))) == ["Keys were not compared: There is one."]


def test_why_there_are_no_names_is_only_what_was_seen():
    whole = Comparison(*ENDS, same=9)
    part = replace(whole, complete=False, why_incomplete="It died.")
    for one, why in (
        (seen(uncompared="There is one."), "keys were not compared: There is one."),
        (seen(), "keys were not compared: `--compare` was not asked for."),
        (seen(comparisons=(whole,)), "Every key was compared, and none is known to be different"),
        (seen(comparisons=(whole, part)), "Not all keys were compared, and of those that were none is"),
    ):
        assert why in accepted(names_message(one))


def test_names_are_harmless_and_never_in_what_a_channel_sees():
    named = seen(comparisons=(replace(COUNTED, names=(HOSTILE,)),))
    lines = list(name_lines(named.comparisons))
    whispered, posted = names_message(named), diagnosed(named, "<@U0ONCALL>")

    assert len(lines) == 3
    assert "different: '<!channel> *x* \\x1b[31m \\xff" in lines[1]
    assert lines[1].endswith("in database 3")
    assert lines[2] == "  … and 1,208 more keys"
    assert "<!channel>" in accepted(whispered)
    assert all(block["type"] == "rich_text" for block in whispered.blocks if "channel" in str(block)), "as it is"
    channel = accepted(posted)
    assert "channel" not in channel
    assert "kkk" not in channel
    assert "1,200 only on the first" in str(comparison_blocks(named))
    assert "Only you see" in whispered.text
