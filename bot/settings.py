"""The settings: which there are, their defaults, and what is wrong with them in a sentence each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from actions.kit.errors import SettingsError
from bot import environment
from bot.alerts.watches import Watches
from bot.render.words import quoted
from bot.requests.terms import Terms


def _web_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("has to begin with https:// or http://")
    if not urlsplit(url).hostname:  # It raises ValueError too, for brackets that are not closed.
        raise ValueError("names no host")
    return url if url.endswith("/") else url + "/"


def _begins_with(prefix: str, kind: str) -> AfterValidator:
    def check(secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(prefix):
            raise ValueError(f"is not {kind}: that begins with {prefix}")
        return secret

    return AfterValidator(check)


BotToken = Annotated[SecretStr, _begins_with("xoxb-", "a bot token")]
AppToken = Annotated[SecretStr, _begins_with("xapp-", "an app-level token")]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Settings(BaseSettings):
    """Everything that an environment can set. Source: ``bot.environment``; read them with ``load_settings``."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    slack_bot_token: BotToken | None = None
    slack_app_token: AppToken | None = None
    """With it Slack is spoken to in Socket Mode, without it by signed HTTP."""
    slack_signing_secret: SecretStr | None = None
    slack_api_url: WebAddress = "https://slack.com/api/"
    targets_file: Path = Path(environment.TARGETS_FILE)
    ledger_url: str = Field(default=environment.LEDGER_URL, repr=False)  # It may hold a password.
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    http_tls_cert_file: Path | None = None
    """A PEM file with the certificate and those between it and its authority; with it HTTP is spoken in TLS."""
    http_tls_key_file: Path | None = None
    """The key of that certificate."""
    alerts_client_ca_file: Path | None = None
    """Whoever posts to ``/alerts`` has to show a certificate of one of these authorities, beside the token."""
    approval_minutes: float = Field(default=15, gt=0, le=1440, allow_inf_nan=False)
    """A request that nobody decides on expires after this."""
    break_glass_minutes: float = Field(default=2, gt=0, le=1440, allow_inf_nan=False)
    """A request that goes without approval in an emergency has to begin within this."""
    review_hours: float = Field(default=24, gt=0, le=720, allow_inf_nan=False)
    """While nobody has signed the review of such a request, it is asked for again after this."""
    token_hours: float = Field(default=12, gt=0, le=168, allow_inf_nan=False)
    """A token for the terminal lives so long, or as much shorter as its owner asks for."""
    people_hours: float = Field(default=24, gt=0, le=168, allow_inf_nan=False)
    """While Slack gives no answer, terminals go by what it said of people no longer ago than this."""
    token: SecretStr | None = None
    """Who is at this terminal."""
    alerts_token: SecretStr | None = None
    traces_url: WebAddress | None = None
    """Of a collector that speaks OTLP over HTTP; without it nothing is traced."""
    aws_endpoint_url: WebAddress | None = None
    watch_nodes_seconds: float = Field(default=1, ge=0, le=3600, allow_inf_nan=False)
    """How often every node is asked whether it is there; 0: never."""
    watch_sentinels: bool = True
    """Whether the Sentinels' events are listened to."""
    watch_pods: bool = True
    """Whether the pods of targets on Kubernetes are followed."""
    watch_aws_seconds: float = Field(default=30, ge=0, le=3600, allow_inf_nan=False)
    """How often AWS is asked for the events of a region; 0: never."""

    @field_validator("break_glass_minutes")
    @classmethod
    def _shorter_than_usual(cls, minutes: float, info: ValidationInfo) -> float:
        usual = info.data.get("approval_minutes")
        if usual is not None and minutes > usual:
            raise ValueError(f"has to be no longer than TANDEM_APPROVAL_MINUTES, which is {usual:g}")
        return minutes

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **_others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then what ``bot.environment`` found."""
        return init_settings, _Variables(settings_cls)

    def check_slack(self) -> None:
        """Make sure that Slack can be spoken to.

        Raises:
            SettingsError: the bot token is missing, or both the app token and the signing secret are.
        """
        if self.slack_bot_token is None:
            raise SettingsError(
                "TANDEM_SLACK_BOT_TOKEN is not set; it is the bot token (xoxb-…) from OAuth & Permissions."
            )
        if self.slack_app_token is None and self.slack_signing_secret is None:
            raise SettingsError(
                "Neither TANDEM_SLACK_APP_TOKEN (xapp-…, for Socket Mode) nor TANDEM_SLACK_SIGNING_SECRET "
                "(for signed HTTP) is set; one of them is needed."
            )

    def watches(self) -> Watches:
        """What is watched, and how often."""
        return Watches(
            nodes_s=self.watch_nodes_seconds,
            sentinels=self.watch_sentinels,
            pods=self.watch_pods,
            aws_s=self.watch_aws_seconds,
        )

    def terms(self, *, begins_at_once: bool = True) -> Terms:
        """How long what people are given lasts."""
        return Terms(
            approval_s=self.approval_minutes * 60,
            break_glass_s=min(self.break_glass_minutes, self.approval_minutes) * 60,
            review_s=self.review_hours * 3600,
            token_s=self.token_hours * 3600,
            begins_at_once=begins_at_once,
        )


class _Variables(PydanticBaseSettingsSource):
    """What ``bot.environment`` found, as pydantic-settings wants it."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 -- Its shape.
        """The value of one field as text."""
        return environment.variables().get(field_name.upper()), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values at once, by the names of the fields."""
        return {name.lower(): value for name, value in environment.variables().items()}


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: every wrong setting, a sentence each; values of secrets are never shown.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(" ".join(_sentence(**problem) for problem in error.errors())) from None


def _sentence(*, loc: tuple[int | str, ...], msg: str, input: object, **_more: object) -> str:  # noqa: A002 -- Its name.
    name = str(loc[0]).upper()
    what = msg.removeprefix("Value error, ")
    what = what[0].lower() + what[1:]
    shown = "" if name in environment.SECRET or "@" in str(input) else f" (it is {quoted(str(input))})"
    return f"{environment.PREFIX}{name}: {what}{shown}."
