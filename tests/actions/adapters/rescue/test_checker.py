"""What is good, what is not, and who can say so; without the names of keys."""

import shutil

import pytest

from actions.adapters.rescue import checker
from actions.kit.errors import RescueFailed
from sandbox.redis import builds

BEGUN = b"REDIS0009\xfe\x00"
END = b"\xff" + bytes(8)


def key(kind=b"\x00", value=b"\x01x"):
    return kind + b"\x0athe:secret" + value


async def checked(*chunks):
    checks = await (await checker.checker_for(chunks[0][: checker.SIGNATURE])).begin()
    try:
        for chunk in chunks:
            await checks.feed(chunk)
        return await checks.verdict()
    finally:
        await checks.stop()


async def test_a_good_file_in_pieces():
    found = await checked(BEGUN, key()[:5], key()[5:], END)
    assert found.keys == 1
    assert found.words.endswith(": good, the node writes no checksums, 1 key")


@pytest.mark.parametrize(
    "content",
    [
        BEGUN + key()[:7],
        BEGUN + key() + END[:-3],
        BEGUN + key(kind=b"\x63") + END,
        BEGUN + key(kind=b"\x0e", value=b"\x01\x03abc") + END,
        BEGUN + key() + b"\xff" + b"12345678",
        BEGUN + b"\xff" * 100_000,
    ],
    ids=["cut in a key", "cut at its end", "unknown type", "broken list", "wrong checksum", "goes on"],
)
async def test_a_file_that_is_not_good_is_said_to_be_so_without_the_names_of_keys(content):
    with pytest.raises(RescueFailed, match=r"-check-rdb [\d.]+ says that the copy is not good: .+\.$") as caught:
        await checked(content)
    assert "secret" not in str(caught.value)


async def test_each_program_says_what_it_understands():
    """Which is why one is asked before it is given a copy: Redis 6.2 knows nothing of what Redis 7.0 writes."""
    for build in builds():
        one = checker.Checker(str(build.server_path), build.name)
        knows = {sign: await one.understands(sign) for sign in (b"REDIS0009", b"REDIS0010", b"VALKEY080")}
        assert knows == {
            b"REDIS0009": True,
            b"REDIS0010": build.version >= (7, 0, 0),
            b"VALKEY080": build.is_valkey and build.version >= (9, 0, 0),
        }


async def test_what_no_program_understands_is_not_called_a_copy():
    with pytest.raises(RescueFailed, match=r"can check RDB files of format REDIS9999 \(there is: .*-check-rdb"):
        await checker.checker_for(b"REDIS9999")
    with pytest.raises(RescueFailed, match="does not begin as an RDB file does"):
        await checker.checker_for(b"<!DOCTYPE")


async def test_a_machine_without_any(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(checker.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        RescueFailed, match="No program here can check RDB files, and a copy that nobody checked is none"
    ):
        await checker.find_checkers()
    (tmp_path / "redis-check-rdb").symlink_to(shutil.which("true", path="/usr/bin:/bin"))
    with pytest.raises(RescueFailed, match="No program here can check RDB files"):
        await checker.find_checkers()
