"""Files of pipelines, judged offline: what `goldrush-pulumi validate` does.

A file is the config of a stack (`Pulumi.<stack>.yaml`), or a map with `pipelines`, or one pipeline. Nothing is sent,
Pulumi is not needed, and no value of a file is ever in a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.validation.abi import AbiFileError, read_abi_file
from goldrush_pulumi.validation.declarations import (
    PIPELINES,
    Declarations,
    declaration_path,
    find_clear_credentials,
    find_config_problems,
    find_declaration_problems,
    find_declarations,
)
from goldrush_pulumi.validation.documents import Document, DocumentError, Keys, Span, read_document, read_ignored
from goldrush_pulumi.validation.inputs import find_problems, list_tables_of
from goldrush_pulumi.validation.problems import Problem, entry_path, field_path, path_keys
from goldrush_pulumi.validation.projects import Project, find_project, is_stack_file
from goldrush_pulumi.validation.rules import CODES, Rule
from goldrush_pulumi.validation.values import UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

# The name of a pipeline that is a file of its own; no file has it.
_ALONE: Final = "pipeline"

# What Pulumi reads from a stack file.
_STACK_KEYS: Final = frozenset({"config", "environment", "encryptionsalt", "encryptedkey", "secretsprovider"})


@dataclass(frozen=True)
class Finding:
    """One problem and where it stands.

    Attributes:
        file: The file as it was named.
        line: The line, from 1; that of the nearest key around it where the problem is that something is missing.
        problem: What is wrong; its path is the place inside the file, such as `pipelines.base-swaps.topic`.
        edit: Where the fix goes, and the text to write there, where the fix is certain.
    """

    file: str
    line: int
    problem: Problem
    edit: tuple[Span, str] | None = None

    def __str__(self) -> str:
        """Return the finding as compilers write: `file:line: error[GR101]: path: what is wrong, what to write`."""
        return f"{self.file}:{self.line}: {self.problem.severity}[{self.problem.rule.code}]: {self.problem}"

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        problem = self.problem
        return {
            "code": problem.rule.code,
            "severity": problem.severity,
            "file": self.file,
            "line": self.line,
            "path": problem.path,
            "message": problem.message,
            "hint": problem.hint,
            "url": problem.rule.url,
            "fixable": self.edit is not None,
        }


@dataclass(frozen=True)
class Report:
    """What was found in some files.

    Attributes:
        findings: All problems, by file and line.
        tables: For each pipeline, `file:name`, the tables that it writes by the documentation's rules.
    """

    findings: tuple[Finding, ...] = ()
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fails(self, *, strict: bool = False) -> bool:
        """Return whether anything is refused; `strict` counts warnings too. A note fails nothing."""
        failing = {"error", "warning"} if strict else {"error"}
        return any(finding.problem.severity in failing for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return {
            "pipelines": len(self.tables),
            "findings": [finding.as_dict() for finding in self.findings],
            "tables": {name: list(tables) for name, tables in self.tables.items()},
        }


def validate_files(
    files: Iterable[Path], settings: tuple[str, ...] = (), ignore: frozenset[str] = frozenset()
) -> Report:
    """Judge files, each by itself; one that cannot be read is a finding too.

    Args:
        files: The files.
        settings: The names of the `goldrush:` settings there are; empty skips the check of settings.
        ignore: Codes of the rules that are not reported.
    """
    findings: list[Finding] = []
    tables: dict[str, tuple[str, ...]] = {}
    for file in files:
        try:
            found, written = _FileValidator(file, read_document(file), settings).validate()
        except DocumentError as error:
            hint = "give a stack file or a pipeline in YAML or JSON"
            problem = Problem(Rule.UNREADABLE_FILE, file.name, str(error), hint)
            found, written = [Finding(str(file), error.line, problem)], {}
        kept = (finding for finding in found if finding.problem.rule.code not in ignore)
        findings += sorted(kept, key=lambda finding: finding.line)
        tables.update({f"{file}:{name}": of_one for name, of_one in written.items()})
    return Report(tuple(findings), tables)


class _FileValidator:
    """Judges one file that could be read."""

    def __init__(self, file: Path, document: Document, settings: tuple[str, ...]) -> None:
        self._file = file
        self._document = document
        self._settings = settings
        self._ignored = read_ignored(document.text)
        self._project: Project | None = find_project(file.parent) if is_stack_file(file) else None
        self._project_name = self._project.name if self._project else ""
        self._declared = find_declarations(document.value, self._project_name)
        self._tables: dict[str, tuple[str, ...]] = {}

    def validate(self) -> tuple[list[Finding], dict[str, tuple[str, ...]]]:
        """Return the findings, and the tables of each pipeline."""
        found = [*self._find_in_text(), *self._find_in_document()]
        for declared in self._declared:
            found += self._find_in_declarations(declared)
        return [finding for finding in found if finding], self._tables

    def _find_in_text(self) -> Iterator[Finding]:
        for keys, line in self._document.repeated:
            problem = Problem(Rule.DUPLICATE_KEY, _path_of(keys), "stands twice", "keep one: the other would be lost")
            yield Finding(str(self._file), line, problem)
        for line, codes in self._ignored.items():
            if codes - CODES.keys():
                message, hint = "ignores a code that does not exist", "docs/findings.md lists the codes"
                yield Finding(str(self._file), line, Problem(Rule.UNKNOWN_CODE, self._file.name, message, hint))

    def _find_in_document(self) -> Iterator[Finding | None]:
        value = self._document.value
        config = value.get("config") if isinstance(value, Mapping) and "runtime" not in value else None
        if isinstance(config, Mapping):
            for problem in find_config_problems(config, self._settings, self._project_name):
                yield self._place(problem, path_keys(problem.path))
        elif config is not None:
            problem = Problem(Rule.WRONG_TYPE, "config", "is not a map", "write the settings of the stack as a map")
            yield self._place(problem, ("config",))
            return
        if not self._declared:
            yield self._place(_no_pipelines(value, self._file), ())

    def _find_in_declarations(self, declared: Declarations) -> Iterator[Finding | None]:
        if declared.pipelines is UNKNOWN:
            return
        if not isinstance(declared.pipelines, Mapping):
            path = _path_of(declared.keys)
            problem = Problem(Rule.WRONG_TYPE, path, "is not a map", "write a map of names to pipelines")
            yield self._place(problem, declared.keys)
            return
        for name, entry in declared.pipelines.items():
            whole, fault = self._with_abi(name, entry)
            clear = list(self._find_clear(declared, name, entry))
            taken = {problem.path for problem in clear}
            for problem in (*fault, *clear, *_judge(name, whole)):
                # In a file that is shared, clear text matters more than the place in which it stands.
                if problem.rule is not Rule.USER_INFO_IN_URL or problem.path not in taken:
                    yield self._place_declared(problem, declared)
            self._tables[name] = list_tables_of(whole) if isinstance(whole, Mapping) else ()

    def _with_abi(self, name: str, entry: object) -> tuple[object, list[Problem]]:
        """Return a declaration with the ABI in place of its path, as the program passes it on."""
        path = entry.get("abi_file") if isinstance(entry, Mapping) else None
        if not isinstance(entry, Mapping) or not isinstance(path, str):
            return entry, []
        root = self._project.root if self._project else self._file.parent
        rest = {key: value for key, value in entry.items() if key != "abi_file"}
        hint = f"the path is relative to {'the project' if self._project else 'this file'}'s folder"
        try:
            abi = read_abi_file(root / path)
            if isinstance(abi, (list, dict)):
                return {**rest, "abi_file": abi}, []
            message, hint = "names a file that holds no ABI", "a Solidity ABI is a JSON array"
        except AbiFileError as error:
            message = f"names a file that {error}"
        problem = Problem(Rule.UNREADABLE_ABI_FILE, "abi_file", message, hint)
        return rest, [problem.under(declaration_path(name))]

    def _find_clear(self, declared: Declarations, name: str, entry: object) -> Iterator[Problem]:
        if declared.is_config:
            key = declared.keys[-1] if declared.is_text else ""
            yield from find_clear_credentials(declaration_path(name), entry, key)

    def _place_declared(self, problem: Problem, declared: Declarations) -> Finding | None:
        _, name, *rest = path_keys(problem.path)
        if not declared.keys:
            path = problem.path.removeprefix(declaration_path(_ALONE)).removeprefix(".")
            return self._place(replace(problem, path=path), tuple(rest))
        return self._place(problem, (*declared.keys, name, *rest))

    def _place(self, problem: Problem, keys: Keys) -> Finding | None:
        """Return a problem with its line and its fix; None when a comment there, or around it, ignores its code."""
        lines = {self._document.line_of(keys[:end]) for end in range(1, len(keys) + 1)}
        if any(problem.rule.code in self._ignored.get(line, ()) for line in lines):
            return None
        edit = self._edit(problem, keys) if problem.fix else None
        return Finding(str(self._file), self._document.line_of(keys), problem, edit)

    def _edit(self, problem: Problem, keys: Keys) -> tuple[Span, str] | None:
        place = self._document.places.get(keys)
        span = None if place is None else place.key if problem.rule is Rule.UNKNOWN_NAME else place.value
        if span is None:
            return None
        written = self._document.text[slice(*span)]
        quote = written[0] if written[:1] in ("'", '"') else ""
        bare = written[1:-1] if quote else written
        # An anchor, a tag or an escape stands there too: not a text that can be replaced without a look.
        is_plain = all(character.isalnum() or character in "_-.$" for character in bare)
        return (span, f"{quote}{problem.fix}{quote}") if is_plain else None


def _judge(name: str, entry: object) -> list[Problem]:
    def find(inputs: Mapping[str, object]) -> list[Problem]:
        return find_problems(inputs, lambda value: value is UNKNOWN)

    return find_declaration_problems(name, entry, find)


def _no_pipelines(value: object, file: Path) -> Problem:
    keys = value.keys() if isinstance(value, Mapping) else set()
    is_stack = "runtime" not in keys and (is_stack_file(file) or bool(keys))
    if is_stack and (value is None or isinstance(value, Mapping)) and keys <= _STACK_KEYS:
        # A stack whose pipelines are declared in code, or in another stack, is in order.
        return Problem(Rule.STACK_WITHOUT_PIPELINES, file.name, f"declares no {PIPELINES}")
    hint = f"give a stack file, a map with {PIPELINES}, or one pipeline"
    return Problem(Rule.NO_PIPELINES, file.name, f"holds no {PIPELINES}", hint)


def _path_of(keys: Keys) -> str:
    """Write keys as paths are written: a dot where that is possible, brackets elsewhere."""
    path = ""
    for key in keys:
        path = field_path(path, key) if isinstance(key, str) else entry_path(path, key)
    return path
