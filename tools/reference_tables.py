"""The tables of the documentation, each made from the code that it describes."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import goldrush_pulumi
from goldrush_pulumi.cli.app import COMMANDS
from goldrush_pulumi.cli.plugins import PYTHON_VARIABLE
from goldrush_pulumi.emulator import Switches
from goldrush_pulumi.emulator.__main__ import _parser
from goldrush_pulumi.emulator.faults import Fault
from goldrush_pulumi.emulator.switches import switch_questions
from goldrush_pulumi.export.credentials import VARIABLE_PREFIX
from goldrush_pulumi.operations import diagnosis as causes
from goldrush_pulumi.operations import history as runs
from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.pipeline import INPUTS, OUTPUTS, Change, PipelineInput
from goldrush_pulumi.settings import BASE_URL_VARIABLE, KEY_VARIABLE, SETTINGS
from goldrush_pulumi.stack_config import Options, Timeouts
from goldrush_pulumi.validation.rules import Rule
from tools import command_tables
from tools.docstrings import PACKAGES, module_summary, modules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic import BaseModel

    from goldrush_pulumi.schema.destinations import DestinationField
    from goldrush_pulumi.settings import Setting

Row = tuple[str, ...]

_MEANINGS: Final = {
    Change.REPLACE: "**replace**",
    Change.UPDATE: "update",
    Change.REDEPLOY: "redeploy",
    Change.NOTHING: "nothing to deploy",
}
_SHAPES: Final[dict[str, str]] = {
    # of inputs
    "string": "str",
    "height": "int, or its digits",
    "string_list": "list of str",
    "string_map": "map of str",
    "any_map": "map of any values",
    "abi": "parsed ABI, or a path",
    "destination": "a destination, or a map",
    # of fields of a destination
    "url": "URL",
    "brokers": "`host:port` list",
    "integer": "int",
    "object": "map",
}
ENVIRONMENT: Final = {
    KEY_VARIABLE: "ServiceKey, where `goldrush:serviceKey` is not set.",
    BASE_URL_VARIABLE: "URL of the API, where `goldrush:baseUrl` is not set.",
    "GOLDRUSH_PULUMI_DEBUG": (
        "`1` adds tracebacks, without any exception's text, to internal errors, and shows requests with `--debug`."
    ),
    VARIABLE_PREFIX: "Followed by a config key in capitals: a credential for `goldrush-pulumi export`.",
    PYTHON_VARIABLE: "The Python that an installed plugin runs in, in place of the environment that it makes itself.",
}
"""The environment variables that the package reads."""

PULUMI_ENVIRONMENT: Final = {
    "PULUMI_PARALLEL": "How many resources Pulumi works on at once (default: four per core); same as `--parallel`.",
    "PULUMI_CONFIG_PASSPHRASE": "Opens the secrets of stacks that are encrypted with a passphrase.",
    "PULUMI_PYTHON_CMD": "The Python that runs inline programs of the Automation API and their provider.",
}
"""Those of Pulumi's own that matter most to pipelines."""

_ROOT: Final = Path(__file__).resolve().parents[1]
_WORKFLOWS_ROOT: Final = _ROOT / "examples" / "13-github-actions"

_ROWS: Final = {
    "cli": "the command line; nothing imports it",
    "export": "existing pipelines as a program",
    "stack_config": "pipelines declared in stack config",
    "pipeline": "what a program writes",
    "destinations": "typed arguments and results, generated from schema",
    "provider": "the two front-ends: Python's dynamic provider, and the plugin for every language",
    "verbs": "what the verbs do, over plain values",
    "session": "what one provider process works with",
    "engine": "the bridge to the engine: what the Python SDK hides",
    "operations": "create, read, update, delete, wait; following logs",
    "settings": "goldrush:* values and the environment",
    "api": "the REST API, the rules for inputs, and a local GoldRush that imports none of ours",
    "schema": "one row per input and per field; everything else derives from it",
}
"""What each row of the import contract is, by its first module."""
FINDING_GROUPS: Final = tuple(sorted({rule.code[:3] for rule in Rule}))
"""The first characters of the codes of validation, one for each group of rules."""


def inputs_in_brief() -> str:
    """Every input: type, default, and what a change of it means."""
    return _table(("Input", "Type", "Default", "A change means"), (_input_row(name) for name in INPUTS))


def inputs() -> str:
    """Every input, with what it is for."""
    rows = ((*_input_row(name), row.description) for name, row in INPUTS.items())
    return _table(("Input", "Type", "Default", "A change means", "What it is for"), rows)


def outputs() -> str:
    """Every output that is not an echo of an input."""
    rows = ((f"`{row.name}`", f"`{row.annotation}`", row.description) for row in OUTPUTS.values())
    return _table(("Output", "Type", "What it tells"), rows)


def settings() -> str:
    """Every `goldrush:*` value of a stack's config."""
    return _table(("Setting", "Default", "What it is for"), _setting_rows())


def environment() -> str:
    """Every environment variable."""
    return _table(("Variable", "What it is for"), ((f"`{name}`", text) for name, text in ENVIRONMENT.items()))


def pulumi_environment() -> str:
    """Environment variables of Pulumi's own."""
    return _table(("Variable", "What it is for"), ((f"`{name}`", text) for name, text in PULUMI_ENVIRONMENT.items()))


def stack_options() -> str:
    """What an entry of `pipelines:` may say beside the inputs."""
    rows = [*_model_rows(Options, ""), *_model_rows(Timeouts, "custom_timeouts.")]
    return _table(("Key", "Default", "What it is for"), rows)


def likely_causes() -> str:
    """The causes that a diagnosis can name."""
    return _table(("Name", "Meaning"), ((f"`{name}`", text) for name, text, _ in causes._TABLE))  # noqa: SLF001


def run_records() -> str:
    """The words of a run record."""
    rows = [("action", runs.Action), ("status", runs.RunStatus), ("steps[].name", runs.Step)]
    return _table(
        ("Field", "Values"),
        ((f"`{name}`", ", ".join(f"`{word}`" for word in get_args(words))) for name, words in rows),
    )


def emulator_options() -> str:
    """The options of the emulator's command."""
    actions = [action for action in _parser()._actions if action.dest != "help"]  # noqa: SLF001
    rows = ((f"`{action.option_strings[0]}`", _sentence((action.help or "") % vars(action))) for action in actions)
    return _table(("Option", "What it is for"), rows)


def emulator_faults() -> str:
    """The options of a fault."""
    section = (inspect.getdoc(Fault) or "").partition("Args:\n")[2]
    options = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    rows = ((f"`{name}`", re.sub(r"\s+", " ", text).replace("``", "`")) for name, text in options)
    return _table(("Option", "What it does"), rows)


def emulator_switches() -> str:
    """The open questions about GoldRush, and what the emulator answers unless told otherwise."""
    defaults = dataclasses.asdict(Switches())
    rows = ((f"`{name}`", f"`{_written(defaults[name])}`", question) for name, question in switch_questions().items())
    return _table(("Switch", "Default", "Question"), rows)


def destination(type_: str) -> str:
    """The fields of one destination."""
    return _table(("Field", "Type", "Default", "What it is for"), _field_rows(DESTINATIONS[type_].fields, ""))


def destinations_in_brief() -> str:
    """The six destinations by type and class."""
    rows = ((f"`{row.type}`", f"`{row.class_name}Args`", row.description) for row in DESTINATIONS.values())
    return _table(("Type", "Class", "What it does"), rows)


def public_names() -> str:
    """Every public name of the package, the TypedDicts beside their classes left out."""
    named = ((name, getattr(goldrush_pulumi, name)) for name in goldrush_pulumi.__all__ if not name.endswith("Dict"))
    rows = ((f"`{name}`", (inspect.getdoc(item) or "").partition("\n\n")[0]) for name, item in named)
    return _table(("Name", "What it is"), rows)


def commands() -> str:
    """The commands of the command line."""
    return _table(("Command", "What it does"), command_tables.command_rows())


def command_options(command: str) -> str:
    """The arguments and options of one command."""
    return _table(("Option", "Default", "What it is for"), command_tables.option_rows(command))


def check_findings() -> str:
    """Return the kinds of findings of `check`."""
    return _table(("Kind", "Severity", "What it means"), command_tables.finding_rows())


def exported_metrics() -> str:
    """Return the metrics of pipelines that `exporter` serves."""
    return _table(("Metric", "What it says"), command_tables.metric_rows())


def exit_codes() -> str:
    """The exit codes of the command line."""
    return _table(("Code", "Name", "Meaning"), command_tables.exit_code_rows())


def modules(package: str) -> str:
    """The modules of a package, each with the first line of its docstring."""
    rows = ((f"`{name}`", module_summary(path)) for name, path in modules_of(package))
    return _table(("Module", "What it is"), rows)


def import_contract() -> str:
    """The rows of the import contract, as a drawing: a module imports from rows below its own, and from its own row."""
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    free = {name.rpartition(".")[2] for name in contracts[1]["source_modules"]}
    lines = []
    for layer in contracts[0]["layers"]:
        modules = re.findall(r"\w+", layer)
        lines.append(f"  {'  '.join(modules):<60}{'no pulumi' if free.issuperset(modules) else ''}".rstrip())
        lines.append(f"      {_ROWS[modules[0]]}")
    return "```text\n" + "\n".join(lines) + "\n```\n"


def workflow(name: str) -> str:
    """A workflow of the example, whole."""
    file = Path(".github", "workflows", f"{name}.yml")
    return f"```yaml\n# {file}\n{(_WORKFLOWS_ROOT / file).read_text('utf-8')}```\n"


def findings(group: str) -> str:
    """The rules of validation whose codes begin with `group`, each with a place that links can point to."""
    rows = (
        (f'<a id="{rule.code.lower()}"></a>`{rule.code}`', rule.severity, rule.title)
        for rule in Rule
        if rule.code.startswith(group)
    )
    return _table(("Code", "Severity", "What is wrong"), rows)


TABLES: Final[dict[str, Callable[[], str]]] = {
    "public-names": public_names,
    "inputs-in-brief": inputs_in_brief,
    "inputs": inputs,
    "outputs": outputs,
    "settings": settings,
    "environment": environment,
    "pulumi-environment": pulumi_environment,
    "stack-options": stack_options,
    "likely-causes": likely_causes,
    "import-contract": import_contract,
    "workflow-preview": functools.partial(workflow, "preview"),
    "workflow-up": functools.partial(workflow, "up"),
    "workflow-check": functools.partial(workflow, "check"),
    "run-records": run_records,
    "emulator-options": emulator_options,
    "emulator-faults": emulator_faults,
    "emulator-switches": emulator_switches,
    "destinations-in-brief": destinations_in_brief,
    "commands": commands,
    "exit-codes": exit_codes,
    "check-findings": check_findings,
    "exported-metrics": exported_metrics,
    **{f"findings-{group}": functools.partial(findings, group) for group in FINDING_GROUPS},
    **{f"options-{name}": functools.partial(command_options, name) for name in COMMANDS},
    **{f"modules-{name or 'top'}": functools.partial(modules, name) for name in PACKAGES},
    **{f"destination-{type_}": functools.partial(destination, type_) for type_ in DESTINATIONS},
}
"""Every table by the name that documents use."""


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _written(value: object) -> str:
    """A value as config and `--switch name=value` take it."""
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else str(value).lower()


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _setting_rows() -> Iterator[Row]:
    for setting in SETTINGS.values():
        texts = [setting.description]
        if setting.kind in {"number", "integer"}:
            texts.append(f"From {setting.least:g} to {setting.greatest:g}.")
        if setting.choices:
            texts.append(f"One of {', '.join(f'`{choice}`' for choice in setting.choices)}.")
        if setting.variable:
            texts.append(f"Else the environment variable `{setting.variable}`.")
        yield f"`{setting.key}`", _setting_default(setting), " ".join(texts)


def _setting_default(setting: Setting) -> str:
    if setting.default is None:
        return "required" if setting.is_secret else "GoldRush's own"
    return f"`{_written(setting.default)}`"


def _input_row(name: str) -> Row:
    row = INPUTS[name]
    return f"`{name}`", _shape(row.shape, row.choices), _input_default(row), row.change_text or _MEANINGS[row.change]


def _input_default(row: PipelineInput) -> str:
    if row.required:
        return "required"
    if row.default_text:
        return row.default_text
    return "none" if row.default is None else f"`{_literal(row.default)}`"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _shape(kind: str, choices: tuple[str, ...]) -> str:
    if not choices:
        return _SHAPES[kind]
    words = ", ".join(f'`"{choice}"`' for choice in choices)
    return f"list of {words}" if kind == "string_list" else words


def _field_rows(fields: tuple[DestinationField, ...], path: str) -> Iterator[Row]:
    for field in fields:
        text = f"{field.description} **Secret.**" if field.secret else field.description
        yield f"`{path}{field.name}`", _shape(field.kind, field.choices), _field_default(field), text
        yield from _field_rows(field.fields, f"{path}{field.name}.")


def _field_default(field: DestinationField) -> str:
    if field.required:
        return "required"
    if field.default is None:
        return "none"
    return f"`{_literal(list(field.default) if isinstance(field.default, tuple) else field.default)}`"


def _model_rows(model: type[BaseModel], path: str) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        text = field.description or next((item.description for item in field.metadata if item), None)
        default = "none" if field.default is None else f"`{str(field.default).lower()}`"
        yield f"`{path}{name}`", default, text or f"Longest time for {name}, such as `10m` or `1h30m`."
