"""Files of pipelines, judged offline: what `goldrush-pulumi validate` does.

A file is the config of a stack (`Pulumi.<stack>.yaml`), or a map with `pipelines`, or one pipeline. Nothing is sent,
Pulumi is not needed, and no value of a file is ever in an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.schema.destinations import secret_paths
from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.validation.destinations import resolve_type
from goldrush_pulumi.validation.documents import Document, DocumentError, read_document
from goldrush_pulumi.validation.inputs import find_problems, list_tables_of
from goldrush_pulumi.validation.problems import Problem, Severity, advise, field_path, warning
from goldrush_pulumi.validation.values import UNKNOWN, holds_placeholder

if TYPE_CHECKING:
    from pathlib import Path

_KEY = "pipelines"

_PREFIX = f"{_KEY}."

# The name of a pipeline that is a file of its own; no file says it.
_ALONE = "pipeline"


@dataclass(frozen=True)
class Finding:
    """One problem and where it stands.

    Attributes:
        file: The file as it was named.
        line: The line, from 1; that of the nearest key around it where the problem is that something is missing.
        path: The place inside the file, such as `pipelines.base-swaps.topic`.
        wrong: What is wrong.
        right: What to write instead.
        severity: "error", "warning" or "note".
    """

    file: str
    line: int
    path: str
    wrong: str
    right: str
    severity: Severity

    def __str__(self) -> str:
        """Read as compilers write: `file:line: error: path: what is wrong, what would be right`."""
        return f"{self.file}:{self.line}: {self.severity}: {self.path}: {self.wrong}, {self.right}"


@dataclass(frozen=True)
class Report:
    """What was found in some files.

    Attributes:
        findings: All problems, by file and line.
        tables: For each pipeline, `file:name`, the tables that it writes as far as the documentation tells.
    """

    findings: tuple[Finding, ...] = ()
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fails(self, *, strict: bool = False) -> bool:
        """Whether anything is refused; `strict` counts warnings too. A note fails nothing."""
        failing = {"error", "warning"} if strict else {"error"}
        return any(finding.severity in failing for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "pipelines": len(self.tables),
            "findings": [asdict(finding) for finding in self.findings],
            "tables": {name: list(tables) for name, tables in self.tables.items()},
        }


def validate_files(files: Iterable[Path]) -> Report:
    """Judge files, each by itself; one that cannot be read is a finding too."""
    findings: list[Finding] = []
    tables: dict[str, tuple[str, ...]] = {}
    for file in files:
        try:
            found, written = _validate(file)
        except DocumentError as error:
            fault = Problem("", str(error), "give a stack file or a pipeline in YAML or JSON")
            found, written = [_place(file, error.line, replace(fault, path=file.name))], {}
        findings += sorted(found, key=lambda finding: finding.line)
        tables.update({f"{file}:{name}": of_one for name, of_one in written.items()})
    return Report(tuple(findings), tables)


def _validate(file: Path) -> tuple[list[Finding], dict[str, tuple[str, ...]]]:
    document = read_document(file)
    where, pipelines = _find_pipelines(document.value)
    found = [_place(file, line, _repeated(path)) for path, line in document.repeated]
    found += (_place(file, document.line_of(problem.path), problem) for problem in _find_clear_key(document.value))
    if pipelines is None:
        return [*found, _place(file, 1, _no_pipelines(document.value, file))], {}
    if not isinstance(pipelines, Mapping):
        wrong = Problem(where or _KEY, "is not a map", "write a map of names to pipelines")
        return ([*found, _place(file, document.line_of(where), wrong)] if pipelines is not UNKNOWN else found), {}
    tables: dict[str, tuple[str, ...]] = {}
    for name, entry in pipelines.items():
        judged = list(_judge(file, name, entry))
        if _is_config(where):
            judged += _find_clear(name, entry, {problem.path for problem in judged})
        found += (_find_place(file, document, where, problem) for problem in judged)
        tables[name] = list_tables_of(entry) if isinstance(entry, Mapping) else ()
    return found, tables


def _find_pipelines(value: object) -> tuple[str, object]:
    """Find the map of pipelines and the path it stands at; None where there is none."""
    if not isinstance(value, Mapping):
        return "", None
    config = value.get("config")
    if "runtime" in value:
        # The project's own file: its `config` holds the types of settings, not their values.
        return "", None
    if isinstance(config, Mapping):
        key = next((key for key in config if key == _KEY or key.endswith(f":{_KEY}")), None)
        return ("", None) if key is None else (field_path("config", key), config[key])
    if _KEY in value:
        return _KEY, value[_KEY]
    return ("", {_ALONE: value}) if value.keys() & INPUTS.keys() else ("", None)


def _judge(file: Path, name: str, entry: object) -> Iterator[Problem]:
    path = entry.get("abi_file") if isinstance(entry, Mapping) else None
    abi: object = None
    if isinstance(path, str):
        try:
            abi = read_document(file.parent / path).value
        except DocumentError as error:
            problem = Problem("abi_file", f"names a file that {error}", "the path is relative to this file's folder")
            yield problem.under(f"{_KEY}.{name}")

    def find(inputs: Mapping[str, object]) -> list[Problem]:
        whole = inputs if abi is None else {**inputs, "abi_file": abi}
        return find_problems(whole, lambda value: value is UNKNOWN)

    yield from find_declaration_problems(name, entry, find)


def _is_config(where: str) -> bool:
    """Whether pipelines that stand at `where` are config of a stack, in which Pulumi can encrypt."""
    return where not in {"", _KEY}


def _find_clear(name: str, entry: object, judged: set[str]) -> Iterator[Problem]:
    """Credentials in clear text, but for places of which something is said already."""
    clear = find_clear_credentials(declaration_path(name), entry)
    return (problem for problem in clear if problem.path not in judged)


def _find_clear_key(stack: object) -> Iterator[Problem]:
    config = stack.get("config") if isinstance(stack, Mapping) and "runtime" not in stack else None
    return find_clear_service_key(config) if isinstance(config, Mapping) else iter(())


def _find_place(file: Path, document: Document, where: str, problem: Problem) -> Finding:
    """Name the line of a problem, whose path begins at `pipelines`."""
    inside = problem.path.removeprefix(_PREFIX)
    alone = inside.removeprefix(f"{_ALONE}.")
    if not where:
        return _place(file, document.line_of(alone), replace(problem, path=alone))
    actual = f"{where}{problem.path.removeprefix(_KEY)}"
    return _place(file, document.line_of(actual), problem)


def _place(file: Path, line: int, problem: Problem) -> Finding:
    return Finding(str(file), line, problem.path, problem.wrong, problem.right, problem.severity)


def _repeated(path: str) -> Problem:
    return Problem(path, "stands twice", "keep one: the other would be lost")


def _no_pipelines(value: object, file: Path) -> Problem:
    known = isinstance(value, Mapping) and isinstance(value.get("config"), Mapping)
    right = f"declare them under {_KEY}" if known else f"give a stack file, a map with {_KEY}, or one pipeline"
    # A stack without pipelines is nothing wrong; a file that is no pipeline at all was named by mistake.
    severity: Severity = "note" if known else "error"
    return Problem(file.name, f"holds no {_KEY}", right, severity)


OPTIONS: Final = ("protect", "retain_on_delete", "custom_timeouts")
"""The settings of a declaration that are for Pulumi; all others are inputs."""

_TIMEOUTS: Final = ("create", "update", "delete")

_DURATION: Final = re.compile(r"(\d+(\.\d+)?(h|m|s|ms))+")


def declaration_path(name: str) -> str:
    """The path of an entry of `pipelines`, by its name."""
    return f"pipelines.{name}" if re.fullmatch(r"[\w-]+", name) else f"pipelines[{json.dumps(name)}]"


def find_declaration_problems(
    name: str, entry: object, find: Callable[[Mapping[str, object]], list[Problem]]
) -> list[Problem]:
    """Find everything that is wrong with one entry of `pipelines`.

    Args:
        name: The entry's name.
        entry: What stands there.
        find: Judges the inputs; an `abi_file` that is a path is not among them.
    """
    path = declaration_path(name)
    if not isinstance(entry, Mapping):
        return [Problem(path, "is not a map", "write a map with project, topic and destination_config")]
    inputs = {key: value for key, value in entry.items() if key in INPUTS}
    if isinstance(inputs.get("abi_file"), str):
        # A path, which the resource reads when it is declared.
        del inputs["abi_file"]
    return [problem.under(path) for problem in (*_find_option_problems(entry), *find(inputs))]


def _find_option_problems(entry: Mapping[str, object]) -> Iterator[Problem]:
    for name in entry:
        if name not in INPUTS and name not in OPTIONS:
            right = advise(str(name), (*INPUTS, *OPTIONS))
            yield Problem(field_path("", str(name)), "is not a setting of a pipeline", right)
    for name in ("protect", "retain_on_delete"):
        value = entry.get(name, False)
        if value is not UNKNOWN and not isinstance(value, bool):
            yield Problem(name, "is not true or false", "write true or false without quotes")
    yield from _find_timeout_problems(entry.get("custom_timeouts"))


def _find_timeout_problems(timeouts: object) -> Iterator[Problem]:
    if timeouts is None or timeouts is UNKNOWN:
        return
    if not isinstance(timeouts, Mapping):
        yield Problem("custom_timeouts", "is not a map", "write a map with create, update and delete")
        return
    for name, value in timeouts.items():
        path = field_path("custom_timeouts", str(name))
        if name not in _TIMEOUTS:
            yield Problem(path, "is not a setting of a pipeline", advise(str(name), _TIMEOUTS))
        elif value is not None and not (isinstance(value, str) and _DURATION.fullmatch(value)):
            yield Problem(path, "is not a duration", "write it like 10m or 1h30m")


_SERVICE_KEY = "goldrush:serviceKey"

_WRONG = "is a credential in clear text"


def find_clear_credentials(path: str, entry: object) -> Iterator[Problem]:
    """Find the credentials of one declared pipeline that are not encrypted.

    A placeholder such as `${PG_PASSWORD}` is filled in elsewhere and tells nothing.

    Args:
        path: Where the pipeline stands, such as `pipelines.base-swaps`.
        entry: What stands there.
    """
    config = entry.get("destination_config") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(config, Mapping):
        return
    for keys in secret_paths(resolve_type(entry), config):
        leaf: Any = reduce(lambda value, key: value[key], keys, config)
        if leaf is UNKNOWN or not leaf or (isinstance(leaf, str) and holds_placeholder(leaf)):
            continue
        place = reduce(field_path, keys, f"{path}.destination_config")
        yield warning(place, _WRONG, f"encrypt it with `pulumi config set --secret --path '{place}'`")


def find_clear_service_key(config: Mapping[str, object]) -> Iterator[Problem]:
    """Find a ServiceKey that stands in the `config` of a stack file and is not encrypted."""
    key = config.get(_SERVICE_KEY)
    if key is not None and key is not UNKNOWN:
        right = f"encrypt it with `pulumi config set --secret {_SERVICE_KEY}`"
        yield warning(field_path("config", _SERVICE_KEY), _WRONG, right)
