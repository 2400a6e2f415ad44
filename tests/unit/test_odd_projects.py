"""Projects and stack configs whose files cannot be read as they should."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pytest

from goldrush_pulumi.project_files import stack_file
from goldrush_pulumi.stack_config import read_declarations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWAPS = {"project": "analytics", "topic": "base.mainnet.ref.block.swaps", "destination": "warehouse"}


@pytest.fixture(autouse=True)
def _forget_config() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({}, [])


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("name: shop\nstackConfigDir: stacks\n", "stacks"),
        ("name: shop\nconfig: stacks\n", "stacks"),
        ("name: shop\nconfig: {shop:size: {default: 5}}\n", "."),
        ("name: [shop\n", "."),
        ("- shop\n", "."),
    ],
    ids=["named", "by its old name", "other config", "not YAML", "a list"],
)
def test_the_file_of_a_stack_is_looked_for(
    text: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies where the project says, and beside a project file that says nothing or cannot be read."""
    (tmp_path / "Pulumi.yaml").write_text(text, "utf-8")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "acme/shop/dev")

    assert stack_file() == tmp_path / folder / "Pulumi.dev.yaml"


def test_shared_destinations_that_are_no_json() -> None:
    """A text in place of the map of destinations is one line that does not quote the text, which may be a secret."""
    values = {"shop:pipelines": json.dumps({"swaps": SWAPS}), "shop:destinations": "planted-word {"}
    pulumi.runtime.set_all_config(values, [])

    with pytest.raises(pulumi.RunError) as refused:
        read_declarations(pulumi.Config("shop"))

    assert "destinations: is not a map" in str(refused.value)
    assert "planted-word" not in str(refused.value)
