"""Settings: each mistake is a sentence that names the variable; no secret is ever in one."""

import pytest

from actions.kit.errors import SettingsError
from bot import environment
from bot.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in environment.PLAIN + environment.SECRET:
        monkeypatch.delenv(f"TANDEM_{name}", raising=False)
        monkeypatch.delenv(f"TANDEM_{name}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def wrong():
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_what_is_not_set_has_the_documented_default():
    settings = load_settings()

    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.ledger_url == "sqlite+aiosqlite:///tandem.db"
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.approval_minutes == 15
    assert environment.targets_file() == settings.targets_file


def test_every_setting_can_come_from_a_variable_and_no_variable_is_without_a_setting():
    variables = {name.lower() for name in environment.PLAIN + environment.SECRET}

    assert variables == set(Settings.model_fields)


def test_a_password_in_an_address_is_not_repeated(monkeypatch):
    monkeypatch.setenv("TANDEM_AWS_ENDPOINT_URL", "somebody:word@10.0.0.1")
    assert wrong() == "TANDEM_AWS_ENDPOINT_URL: has to begin with https:// or http://."
    monkeypatch.setenv("TANDEM_AWS_ENDPOINT_URL", "https://somebody:word@10.0.0.1")
    with pytest.raises(SettingsError) as caught:
        environment.aws_endpoint_url()
    assert str(caught.value) == "TANDEM_AWS_ENDPOINT_URL has to begin with https:// or http://, and to name nobody."


def test_an_unknown_variable_names_the_nearest_one(monkeypatch):
    monkeypatch.setenv("TANDEM_LEDGER_ULR", "x")

    assert wrong() == (
        "'TANDEM_LEDGER_ULR' in the environment is not a setting of Tandem; did you mean TANDEM_LEDGER_URL? "
        "Correct or remove it."
    )
    with pytest.raises(SettingsError):  # The light half of the terminal says the same.
        environment.targets_file()


def test_a_wrong_type_names_the_variable_and_the_value(monkeypatch):
    monkeypatch.setenv("TANDEM_HTTP_PORT", "high")

    assert "TANDEM_HTTP_PORT" in wrong()
    assert "'high'" in wrong()


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "100000"])
def test_an_approval_that_never_or_at_once_expires_is_refused(monkeypatch, minutes):
    monkeypatch.setenv("TANDEM_APPROVAL_MINUTES", minutes)

    assert "TANDEM_APPROVAL_MINUTES" in wrong()


def test_what_goes_without_approval_waits_no_longer_than_what_takes_one(monkeypatch):
    monkeypatch.setenv("TANDEM_APPROVAL_MINUTES", "5")
    assert load_settings().break_glass_minutes == 2
    monkeypatch.setenv("TANDEM_BREAK_GLASS_MINUTES", "6")
    assert wrong() == (
        "TANDEM_BREAK_GLASS_MINUTES: has to be no longer than TANDEM_APPROVAL_MINUTES, which is 5 (it is '6')."
    )


def test_a_wrong_token_is_not_shown(monkeypatch):
    monkeypatch.setenv("TANDEM_SLACK_BOT_TOKEN", "xapp-very-secret")

    assert "xoxb-" in wrong()
    assert "very-secret" not in wrong()


def test_a_secret_comes_from_a_file_and_is_not_shown(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("xoxb-1\n")
    monkeypatch.setenv("TANDEM_SLACK_BOT_TOKEN_FILE", str(tmp_path / "token"))
    settings = load_settings()

    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-1"
    assert "xoxb-1" not in repr(settings)


def test_a_secret_that_is_given_twice_is_refused(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("xoxb-1")
    monkeypatch.setenv("TANDEM_SLACK_BOT_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("TANDEM_SLACK_BOT_TOKEN", "xoxb-2")

    assert wrong() == "TANDEM_SLACK_BOT_TOKEN and TANDEM_SLACK_BOT_TOKEN_FILE are both set; keep one of them."


@pytest.mark.parametrize(("content", "why"), [(None, "no such file"), (b" \n", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_a_secret_file_that_cannot_be_used_is_named(monkeypatch, tmp_path, content, why):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    monkeypatch.setenv("TANDEM_SLACK_APP_TOKEN_FILE", str(tmp_path / "token"))

    assert "TANDEM_SLACK_APP_TOKEN_FILE" in wrong()
    assert why in wrong()


def test_the_environment_wins_over_dotenv_and_an_empty_value_is_none(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("TANDEM_HTTP_PORT=1\nTANDEM_HTTP_HOST=10.1.1.1\nOTHER=x\n")
    monkeypatch.setenv("TANDEM_HTTP_PORT", "2")
    monkeypatch.setenv("TANDEM_SLACK_APP_TOKEN", "")
    settings = load_settings()

    assert (settings.http_port, settings.http_host) == (2, "10.1.1.1")
    assert settings.slack_app_token is None


def test_a_dotenv_that_is_no_text_is_named(tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfeT")
    assert wrong() == ".env is not UTF-8 text; correct it or remove it."


def test_an_unknown_variable_in_dotenv_says_where_it_is(tmp_path):
    (tmp_path / ".env").write_text("TANDEM_HTPP_PORT=1\n")

    assert "in .env" in wrong()


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "TANDEM_SLACK_BOT_TOKEN is not set"),
        ({"TANDEM_SLACK_BOT_TOKEN": "xoxb-1"}, "Neither TANDEM_SLACK_APP_TOKEN"),
    ],
)
def test_serving_needs_a_way_to_slack(monkeypatch, given, missing):
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=missing):
        load_settings().check_slack()


def test_the_slack_api_url_always_ends_in_a_slash(monkeypatch):
    monkeypatch.setenv("TANDEM_SLACK_API_URL", "http://127.0.0.1:8070/api")
    assert load_settings().slack_api_url == "http://127.0.0.1:8070/api/"

    monkeypatch.setenv("TANDEM_SLACK_API_URL", "127.0.0.1:8070")
    assert "http://" in wrong()

    for url in ("http://[broken/", "https://", "http:///api/"):
        monkeypatch.setenv("TANDEM_SLACK_API_URL", url)
        assert wrong().startswith("TANDEM_SLACK_API_URL: ")


def test_the_ledgers_url_may_come_from_a_file_since_it_may_hold_a_password(monkeypatch, tmp_path):
    (tmp_path / "url").write_text("postgresql+psycopg://tandem:secret@127.0.0.1/tandem\n")
    monkeypatch.setenv("TANDEM_LEDGER_URL_FILE", str(tmp_path / "url"))

    assert (
        load_settings().ledger_url == environment.ledger_url() == "postgresql+psycopg://tandem:secret@127.0.0.1/tandem"
    )
    assert "tandem:secret" not in repr(load_settings())
