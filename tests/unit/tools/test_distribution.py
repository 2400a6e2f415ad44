from __future__ import annotations

import pytest

from tests.unit.tools.project import PROJECT, ROOT
from tools import distribution

VERSION = PROJECT["project"]["version"]


@pytest.mark.parametrize("tag", ["", f"v{VERSION}"])
def test_tag_of_the_version_is_built(tag: str) -> None:
    """No tag, and the tag of the version that pyproject.toml has, are accepted."""
    distribution.require_tag(tag)


@pytest.mark.parametrize("tag", [VERSION, "v0.0.9", f"v{VERSION}.1", "v"])
def test_tag_of_another_version_is_refused(
    tag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tag that names another version ends the build with one line before anything is built."""
    monkeypatch.setenv("TAG", tag)
    monkeypatch.setattr(distribution, "build", lambda *_: pytest.fail("it was built"))

    assert distribution.main([]) == 1
    assert capsys.readouterr().err == (
        f"distribution: release {tag}: pyproject.toml has version {VERSION}; tag the commit v{VERSION}\n"
    )


def test_what_the_wheel_is_tested_with_exists() -> None:
    """The tests that run on an installed wheel are where the check looks for them."""
    assert [file for file in distribution.TESTS if not (ROOT / file).is_file()] == []
