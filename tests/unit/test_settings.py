from __future__ import annotations

import dataclasses
import inspect

import pytest

from goldrush_pulumi.api import DEFAULT_BASE_URL
from goldrush_pulumi.explicit_provider import Provider
from goldrush_pulumi.settings import (
    SETTINGS,
    Settings,
    SettingsError,
    load_settings,
    parallel_setting,
    unknown_settings,
)

KEY = "cqt_planted"
ENVIRONMENT = {"GOLDRUSH_SERVICE_KEY": "from-environment", "GOLDRUSH_BASE_URL": "https://environment.example.com/api"}


def load(config: dict[str, str], environment: dict[str, str] | None = None) -> Settings:
    values = {f"goldrush:{key}": value for key, value in config.items()}
    return load_settings(values.get, environment or {}, values)


def problems(config: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(config)
    return str(refused.value).split("\n")


def test_config_comes_before_the_environment() -> None:
    """Config wins, value by value, and messages can say where the key came from."""
    settings = load({"serviceKey": KEY}, ENVIRONMENT)

    assert (settings.service_key, settings.key_source) == (KEY, "config goldrush:serviceKey")
    assert settings.base_url == "https://environment.example.com/api/"


def test_the_environment_comes_before_the_default() -> None:
    """Without config the environment counts, without both the documented endpoint does."""
    settings = load({"serviceKey": "  ", "baseUrl": ""}, ENVIRONMENT)

    assert settings.service_key == "from-environment"
    assert settings.key_source == "environment variable GOLDRUSH_SERVICE_KEY"
    assert settings.base_url == "https://environment.example.com/api/"
    assert load({"serviceKey": KEY}).base_url == DEFAULT_BASE_URL


def test_white_space_around_values_is_dropped() -> None:
    """A key that was pasted with a line break works."""
    settings = load({"serviceKey": f" {KEY}\n", "baseUrl": " https://x.example.com/ "})

    assert (settings.service_key, settings.base_url) == (KEY, "https://x.example.com/")


def test_policies_have_defaults_and_can_be_set() -> None:
    """Every number of the settings comes from config or is the documented default."""
    assert load({"serviceKey": KEY}) == Settings(KEY, "config goldrush:serviceKey", DEFAULT_BASE_URL)
    given = {"requestsPerSecond": "0.5", "failedGraceSeconds": "0", "stabilizationSeconds": "7.5", "parallel": "64"}
    settings = load({"serviceKey": KEY, **given})

    assert settings.requests_per_second == 0.5
    assert settings.failed_grace_seconds == 0
    assert settings.stabilization_seconds == 7.5
    assert settings.parallel == 64


@pytest.mark.parametrize(
    "name",
    ["requestsPerSecond", "failedGraceSeconds", "stabilizationSeconds", "retrySeconds", "recoverySeconds", "parallel"],
)
@pytest.mark.parametrize("value", ["-1", "1e9", "many", "", "nan", "inf", "1,5"])
def test_numbers_have_a_range(name: str, value: str) -> None:
    """A value outside the range is refused by name, with the range and the default, and not repeated."""
    (line,) = problems({"serviceKey": KEY, name: value})

    assert line.startswith((f"goldrush:{name}: is not a number from ", f"goldrush:{name}: is not a whole number from "))
    assert "the default is" in line


def test_choices_have_their_words() -> None:
    """A choice is one of its words; another one is refused by name, with the words and the default."""
    settings = load({"serviceKey": KEY, "onExisting": "create", "adoptForeign": "True", "ownershipMark": "False"})
    assert (settings.on_existing, settings.adopt_foreign) == ("create", True)

    assert problems({"serviceKey": KEY, "onExisting": "adopt", "adoptForeign": "yes", "ownershipMark": "no"}) == [
        "goldrush:onExisting: must be one of fail, create; the default is fail",
        "goldrush:adoptForeign: must be one of false, true; the default is false",
        "goldrush:ownershipMark: must be one of false, true; the default is true",
    ]


def test_all_problems_come_at_once() -> None:
    """A missing key, unknown settings and every wrong number come together, one line each."""
    lines = problems({"retrySecond": "1", "parallel": "0", "stabilizationSeconds": "601"})

    assert [line.split(":")[1] for line in lines] == ["retrySecond", "serviceKey", "stabilizationSeconds", "parallel"]
    assert "GOLDRUSH_SERVICE_KEY" in lines[1]
    assert "pulumi config set --secret goldrush:serviceKey" in lines[1]


@pytest.mark.parametrize("value", ["1.5", "256.01"])
def test_parallel_is_a_whole_number(value: str) -> None:
    """Half a pipeline cannot be worked on."""
    (line,) = problems({"serviceKey": KEY, "parallel": value})
    assert line.startswith("goldrush:parallel: is not a whole number from 1 to 1024")


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("servicekey", "goldrush:serviceKey"),
        ("requestPerSecond", "goldrush:requestsPerSecond"),
        ("ownershipTag", "goldrush:ownershipMark"),
        ("retry_seconds", "goldrush:retrySeconds"),
    ],
)
def test_unknown_setting(name: str, likely: str) -> None:
    """A misspelt setting is an error that names the nearest one."""
    assert unknown_settings([f"goldrush:{name}"]) == [f"goldrush:{name}: is not a setting, did you mean {likely}?"]


def test_unknown_setting_like_none() -> None:
    """A setting that resembles none gets the list of all."""
    (line,) = unknown_settings(["goldrush:xyz"])
    assert all(row.name in line for row in SETTINGS.values())


def test_other_settings_are_left_alone() -> None:
    """Settings of other namespaces, and our own, are no problem."""
    assert unknown_settings([row.key for row in SETTINGS.values()]) == []
    assert unknown_settings(["shop:pipelines", "aws:region", "pulumi:tags", "goldrush-shop:x"]) == []


def test_a_project_may_be_called_goldrush() -> None:
    """The values of a project that is called like our namespace stand beside the settings, and are its own."""
    assert unknown_settings(["goldrush:pipelines", "goldrush:pgPassword"], "goldrush") == []
    assert len(unknown_settings(["goldrush:pgPassword", "goldrush:dbUser"], "shop")) == 2


# --- One table --------------------------------------------------------------------------------------------------------


def test_defaults_are_those_of_the_table() -> None:
    """What is loaded where nothing is set is what the table says, for every setting of an account."""
    settings = load({"serviceKey": KEY})
    defaults = {row.attribute: row.default for row in SETTINGS.values() if row.default is not None}
    del defaults["ownership_mark"]
    assert defaults == {name: getattr(settings, name) for name in defaults}
    assert {field.name for field in dataclasses.fields(Settings)} == {
        *defaults,
        "service_key",
        "base_url",
        "key_source",
    }


def test_a_provider_takes_every_setting_of_an_account() -> None:
    """An explicit provider has an argument for every setting of an account, explained by the words of the table."""
    signature = inspect.signature(Provider.__init__)
    arguments = [name for name, item in signature.parameters.items() if item.kind is item.KEYWORD_ONLY]
    assert arguments == [name for name, row in SETTINGS.items() if row.is_for_account]
    text = inspect.getdoc(Provider) or ""
    assert [name for name in arguments if f"{name}: {SETTINGS[name].description}\n" not in f"{text}\n"] == []


def test_no_key_is_shown() -> None:
    """Settings hold the key, and their repr does not."""
    assert KEY not in repr(load({"serviceKey": KEY}))


def test_parallel_is_known_before_anything_can_be_refused() -> None:
    """The size of the pool is read while the provider is configured: a wrong one is the default for now."""
    assert parallel_setting({"goldrush:parallel": "32"}.get) == 32
    assert parallel_setting({"goldrush:parallel": "none"}.get) == 256
    assert parallel_setting(lambda _key: None) == 256
