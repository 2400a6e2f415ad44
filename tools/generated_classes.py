"""The classes that are generated from `goldrush_pulumi.schema`: destinations, arguments, outputs and results."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.schema.destinations import DESTINATIONS, DestinationField
from goldrush_pulumi.schema.pipeline import INPUTS, METRICS, OUTPUTS, Change, PipelineInput, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).resolve().parents[1]

_WIDTH: Final = 120
_NOTICE: Final = "Generated from goldrush_pulumi/schema by `make reference`: edit the rows there, not this file."

_DESTINATIONS_HEAD: Final = f'''"""{_NOTICE}

The six destinations, as a program writes them: `destination_config=goldrush.PostgresDestinationArgs(...)`. Each class
has a TypedDict beside it, for programs that would rather write a dict; its `type` names the destination. What is left
out is not sent: the defaults are the service's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypeAlias, TypedDict

import pulumi

from goldrush_pulumi.input_type import input_type
'''
_PIPELINE_TYPES_HEAD: Final = f'''"""{_NOTICE}

Arguments and outputs of a pipeline, and the results of look-ups. Names are those of the REST API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypeAlias, TypedDict

import pulumi

from goldrush_pulumi.input_type import arguments_type

if TYPE_CHECKING:
    from goldrush_pulumi.destinations import DestinationArgs

Abi: TypeAlias = "Sequence[Mapping[str, Any]] | Mapping[str, Any]"
"""A parsed Solidity ABI: its array, or an object that holds it."""
'''

_INPUT_TYPES: Final[dict[Shape, str]] = {
    "string": "pulumi.Input[str]",
    "height": "pulumi.Input[int | str]",
    "string_list": "pulumi.Input[Sequence[pulumi.Input[str]]]",
    "string_map": "pulumi.Input[Mapping[str, pulumi.Input[str]]]",
    "any_map": "pulumi.Input[Mapping[str, Any]]",
    "abi": "pulumi.Input[Abi] | str | Path | pulumi.FileAsset",
    "destination": "DestinationArgs",
}
_OUTPUT_TYPES: Final[dict[Shape, str]] = {
    "string": "str",
    "height": "str | None",
    "string_list": "list[str]",
    "string_map": "dict[str, str]",
    "any_map": "dict[str, Any]",
    "abi": "Any",
    "destination": "dict[str, Any]",
}
_RESULT_TYPES: Final[dict[Shape, str]] = {**_OUTPUT_TYPES, "height": "str"}


def generated_files() -> dict[Path, str]:
    """Return the text of every generated module by its path."""
    package = ROOT / "goldrush_pulumi"
    pipeline = package / "pipeline.py"
    return {
        pipeline: _with_keyword_texts(pipeline.read_text("utf-8")),
        package / "destinations.py": _formatted(_destinations_module()),
        package / "pipeline_types.py": _formatted(_pipeline_types_module()),
    }


def _formatted(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", "generated.py", "-"],
        input=source,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _destinations_module() -> str:
    blocks = [_DESTINATIONS_HEAD]
    classes: list[str] = []
    for destination in DESTINATIONS.values():
        for field in destination.fields:
            if field.kind == "object":
                blocks += _class_pair(field.class_name, field.description, field.fields, None)
        blocks += _class_pair(destination.class_name, destination.description, destination.fields, destination.type)
        classes += [f"{destination.class_name}Args", f"{destination.class_name}ArgsDict"]
    alias = "\n    | ".join(classes)
    blocks.append(
        f"DestinationArgs: TypeAlias = (\n    {alias}\n)\n"
        '"""Anything that `destination_config` takes, apart from a plain mapping."""'
    )
    return "\n\n".join(blocks) + "\n"


def _class_pair(
    name: str, description: str, fields: Iterable[DestinationField], destination_type: str | None
) -> Iterator[str]:
    """The class of a destination or of a nested object, then its TypedDict."""
    ordered = sorted(fields, key=lambda field: not field.required)
    lines = ["@input_type", f"class {name}Args:", *_docstring(description)]
    if destination_type:
        lines += [f'    destination_type = "{destination_type}"\n']
    for field in ordered:
        optional = "" if field.required else " | None = None"
        lines += [f"    {field.name}: {_field_type(field)}{optional}", *_docstring(_field_text(field), blank=False)]
    if destination_type:
        type_ = f'Literal["{destination_type}"]'
        lines += [
            f'    type: pulumi.Input[{type_}] = "{destination_type}"',
            *_docstring("Set by the class.", blank=False),
        ]
    yield "\n".join(lines)
    lines = [f"class {name}ArgsDict(TypedDict):", *_docstring(f"`{name}Args` as a dict.")]
    if destination_type:
        lines += [f'    type: Literal["{destination_type}"]', *_docstring("Names the destination.", blank=False)]
    for field in ordered:
        annotation = _field_type(field) if field.required else f"NotRequired[{_field_type(field)}]"
        lines += [f"    {field.name}: {annotation}", *_docstring(_field_text(field), blank=False)]
    yield "\n".join(lines)


def _field_type(field: DestinationField) -> str:
    word = _choice_type(field.choices) if field.choices else "str"
    return {
        "integer": "pulumi.Input[int]",
        "string_list": f"pulumi.Input[Sequence[pulumi.Input[{word}]]]",
        "string_map": "pulumi.Input[Mapping[str, pulumi.Input[str]]]",
        "object": f"pulumi.Input[{field.class_name}Args | {field.class_name}ArgsDict]",
    }.get(field.kind, f"pulumi.Input[{word}]")


def _field_text(field: DestinationField) -> str:
    text = field.description
    if field.default is not None:
        default = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        text = f"{text.removesuffix('.')} (default: {default})."
    if field.secret:
        text += " Each value is kept as a secret." if field.kind == "string_map" else " Kept as a secret."
    return text


def _choice_type(choices: tuple[str, ...]) -> str:
    return f"Literal[{', '.join(repr(choice) for choice in choices)}]"


def _docstring(text: str, *, blank: bool = True) -> list[str]:
    """A docstring of one sentence on its first line, and of the others below."""
    summary, stop, rest = text.partition(". ")
    paragraphs = [f"{summary}.", rest] if stop and blank else [text]
    if len(paragraphs) == 1 and len(text) + 10 <= _WIDTH:
        lines = [f'    """{text}"""']
    else:
        wrapped = [textwrap.wrap(part, _WIDTH - 10, break_on_hyphens=False) for part in paragraphs]
        first, *others = [line for part in wrapped for line in ([*part, ""])][:-1]
        closing = ['    """'] if blank else []
        lines = [f'    """{first}', *(f"    {line}" if line else "" for line in others), *closing]
        lines[-1] += "" if blank else '"""'
    return [*lines, ""] if blank else lines


def _pipeline_types_module() -> str:
    blocks = [
        _PIPELINE_TYPES_HEAD,
        _arguments_class(),
        _arguments_dict(),
        _outputs_class(),
        *_result_classes(),
    ]
    return "\n\n".join(blocks) + "\n"


# Editors show nothing for the keys of a TypedDict in a call of an overloaded function, but they read its docstring.
_KEYWORD_DOCSTRING: Final = re.compile(
    r"(\*\*inputs: Unpack\[PipelineArgsDict\]\n    \) -> None:\n).*?(\n\n    def )", re.DOTALL
)


def _with_keyword_texts(module: str) -> str:
    """Return the module of `Pipeline` with the docstring of its keyword form."""
    lines = [
        '"""Declare a pipeline by keywords.',
        "",
        "Args:",
        # Editors show the first line of each, and take the end of `resource_name` for `name` when it comes first.
        *(f"    {row.name}: {_input_text(row)}" for row in INPUTS.values()),
        "    resource_name: Name of the resource; also that of the pipeline, unless `name` is given.",
        "    opts: Options of the resource.",
        '"""  # noqa: E501',
    ]
    docstring = textwrap.indent("\n".join(lines), " " * 8)
    return _KEYWORD_DOCSTRING.sub(lambda match: f"{match[1]}{docstring}{match[2]}", module)


def _arguments_class() -> str:
    lines = [
        "@arguments_type",
        "class PipelineArgs:",
        *_docstring("Inputs of a pipeline. Source: API reference, create-pipeline."),
    ]
    for row in INPUTS.values():
        optional = "" if row.required else " | None = None"
        lines += [f"    {row.name}: {_input_annotation(row)}{optional}", *_docstring(_input_text(row), blank=False)]
    return "\n".join(lines)


def _arguments_dict() -> str:
    lines = ["class PipelineArgsDict(TypedDict):", *_docstring("`PipelineArgs` as keyword arguments or as a dict.")]
    for row in INPUTS.values():
        annotation = _input_annotation(row)
        written = annotation if row.required else f"NotRequired[{annotation} | None]"
        lines += [f"    {row.name}: {written}", *_docstring(_input_text(row), blank=False)]
    return "\n".join(lines)


def _outputs_class() -> str:
    lines = ["class PipelineOutputs:", *_docstring("Outputs of a pipeline: the inputs echoed, and what was observed.")]
    for row in INPUTS.values():
        if row.change is not Change.NOTHING:
            lines.append(f"    {row.name}: pulumi.Output[{_OUTPUT_TYPES[row.shape]}]")
            lines += _docstring(row.description, blank=False)
    for output in OUTPUTS.values():
        lines.append(f"    {output.name}: pulumi.Output[{output.annotation}]")
        lines += _docstring(output.description, blank=False)
    return "\n".join(lines)


def _result_classes() -> Iterator[str]:
    shown = [row for row in INPUTS.values() if row.is_sent and row.shape != "abi"]
    stamps = [OUTPUTS[name] for name in ("group_id", "created_at", "updated_at")]
    rows = [("id", "str", "Id of the pipeline.")]
    rows += [(row.name, _RESULT_TYPES[row.shape], row.description) for row in shown]
    rows += [(row.name, f"{row.annotation}{' | None' * (row.name == 'group_id')}", row.description) for row in stamps]
    text = "Configuration of a pipeline. Credentials in `destination_config` read `******`."
    yield _result_class("GetPipelineResult", text, rows)
    status = [row for row in OUTPUTS.values() if row.origin == "status"]
    rows = [(row.name, f"{row.annotation}{' | None' * (row.name == 'start_time')}", row.description) for row in status]
    yield _result_class("GetPipelineStatusResult", "What a pipeline's worker does now.", rows)
    rows = [("uid", "str", OUTPUTS["uid"].description)]
    rows += [(row.name, f"{row.annotation} | None", f"{row.description} Unit: {row.unit}.") for row in METRICS]
    text = "Throughput and lag of a pipeline now; None where nothing was reported."
    yield _result_class("GetPipelineMetricsResult", text, rows)


def _result_class(name: str, text: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = ["@dataclass(frozen=True)", f"class {name}:", *_docstring(text)]
    for field, annotation, description in rows:
        lines += [f"    {field}: {annotation}", *_docstring(description, blank=False)]
    return "\n".join(lines)


def _input_annotation(row: PipelineInput) -> str:
    return f"pulumi.Input[{_choice_type(row.choices)}]" if row.choices else _INPUT_TYPES[row.shape]


def _input_text(row: PipelineInput) -> str:
    default = str(row.default) if row.default else ""
    text = f"{row.description.removesuffix('.')} (default: {default})." if default else row.description
    return f"{text} A change replaces the pipeline." if row.change is Change.REPLACE else text
