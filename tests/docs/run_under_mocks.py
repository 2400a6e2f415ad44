"""Run a Pulumi program under mocks, and judge the inputs of every pipeline that it declares.

`python run_under_mocks.py FILE` prints JSON: how many pipelines there were, and the problems of their inputs.
Config that the program asks for is made up. A program that only makes a `destination` gets a pipeline around it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pulumi
import yaml

import goldrush_pulumi as goldrush
from goldrush_pulumi.operations.spec import with_defaults
from goldrush_pulumi.validation.inputs import find_problems
from tests.docs.stack_files import decrypted

_PROJECT = "program"
_CONFIG_KEY = re.compile(r'\.(?:require|get)(?:_secret)?\("(\w+)"\)')
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_MADE_UP = "clickhouse://made-up.example.com:8123/db"


class Judge(pulumi.runtime.Mocks):
    """Answers for the engine, and keeps what is wrong."""

    def __init__(self) -> None:
        self.pipelines = 0
        self.problems: list[str] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ.endswith("goldrush:Pipeline"):
            self.pipelines += 1
            inputs = {name: opened(value) for name, value in args.inputs.items() if value is not None}
            found = find_problems(with_defaults(inputs, args.name), lambda _: False)
            self.problems += [f"{args.name}: {problem}" for problem in found]
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"unexpected call of {args.token}")


def opened(value: Any) -> Any:
    """A value without the wrappers of secrets."""
    if isinstance(value, dict):
        return opened(value["value"]) if _SIGNATURE in value else {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, list) else value


def _declared(folder: Path) -> str:
    """The pipelines that the stack file beside a program declares, with made-up texts for what is encrypted."""
    file = folder / "Pulumi.dev.yaml"
    config = yaml.safe_load(file.read_text("utf-8"))["config"] if file.exists() else {}
    return json.dumps(
        next((decrypted(value, _MADE_UP) for key, value in config.items() if key.endswith(":pipelines")), {})
    )


def _run(program: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": str(program)}
    exec(compile(program.read_text("utf-8"), program.name, "exec"), namespace)  # noqa: S102 - what is under test
    if "destination" in namespace:
        goldrush.Pipeline(
            "around", project="p", topic="a.b.c.block.d", destination_config=namespace["destination"], opts=None
        )


def main() -> None:
    program = Path(sys.argv[1])
    keys = _CONFIG_KEY.findall(program.read_text("utf-8"))
    made_up = {f"{_PROJECT}:{key}": _MADE_UP for key in keys} | {f"{_PROJECT}:pipelines": _declared(program.parent)}
    pulumi.runtime.set_all_config(made_up, [])
    judge = Judge()
    pulumi.runtime.set_mocks(judge, project=_PROJECT, stack="dev", preview=False)
    # Mocks name no folder of the project, and programs read files in it.
    pulumi.runtime.settings.SETTINGS.root_directory = str(program.parent)
    sys.path.insert(0, str(program.parent))
    pulumi.runtime.test(lambda: _run(program))()  # type: ignore[no-untyped-call]
    print(json.dumps({"pipelines": judge.pipelines, "problems": judge.problems}))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
