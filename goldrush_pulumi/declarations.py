"""What a program has declared, checked before any of it is sent.

The engine ends a run at the first resource that `check` refuses. A program's mistakes are therefore collected while its
pipelines are declared, and reported together: no pipeline of a program is registered while one has a mistake.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pulumi

from goldrush_pulumi.input_type import as_plain, is_output
from goldrush_pulumi.operations.spec import with_defaults
from goldrush_pulumi.schema.destinations import DESTINATIONS, DestinationField, find_field
from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.schema.wire import HIDDEN
from goldrush_pulumi.validation.destinations import resolve_type
from goldrush_pulumi.validation.inputs import find_problems, find_shape_problems
from goldrush_pulumi.validation.problems import Problem, advise
from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ATTRIBUTE: Final = "_goldrush_declarations"


@dataclass(frozen=True)
class _Declaration:
    name: str
    inputs: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...]
    """Mistakes in the call and its options, which the inputs do not show."""
    ignored: frozenset[str]
    """Inputs under `ignore_changes`: the engine replaces them by the recorded ones before it checks them."""

    def find_errors(self, *, thorough: bool) -> list[Problem]:
        """Find the mistakes; `thorough` also reads transforms and ABI, which loads a parser."""
        find = find_problems if thorough else find_shape_problems
        found = find(with_defaults(self.inputs, self.name), is_output)
        named = {problem.path for problem in self.problems}
        return [
            *self.problems,
            *(item for item in found if item.is_error and item.path not in named and not self._ignores(item.path)),
        ]

    @property
    def has_content(self) -> bool:
        """Whether it has something that only a parser reads."""
        return bool(self.inputs.get("transforms") or self.inputs.get("abi_file"))

    def _ignores(self, path: str) -> bool:
        return _first_key(path) in self.ignored


class Declarations:
    """The pipelines that one run of a program has declared so far."""

    def __init__(self) -> None:
        self._all: dict[int, _Declaration] = {}
        self._wrong: set[int] = set()
        self._refusal = ""
        self._reading: asyncio.Future[list[str]] | None = None

    def add(
        self,
        resource: pulumi.Resource,
        name: str,
        properties: Mapping[str, Any],
        problems: Iterable[Problem] = (),
        ignore_changes: Iterable[str] = (),
    ) -> None:
        """Note a pipeline by its properties, which may hold outputs, and check all that is known of them."""
        inputs = {key: as_plain(value) for key, value in properties.items() if value is not None and key not in HIDDEN}
        ignored = frozenset(map(_first_key, ignore_changes))
        declaration = _Declaration(name, inputs, tuple(problems), ignored)
        self._all[id(resource)] = declaration
        if declaration.find_errors(thorough=False):
            self._wrong.add(id(resource))

    async def let_register(self) -> None:
        """Let a registration go on; a preview first reads what is written in transforms and ABIs.

        Only the engine knows what is new, so mistakes in there are refused by the provider. It names the first pipeline
        that has one, and the warnings of this method name them all.

        Raises:
            pulumi.RunError: a pipeline of the program has a mistake. The message names every mistake of all pipelines
                declared so far, and holds no value.
        """
        if self._wrong and not self._refusal:
            self._refusal = self._describe()
        if self._refusal:
            raise pulumi.RunError(self._refusal)
        if (
            self._reading is None
            and pulumi.runtime.is_dry_run()
            and any(item.has_content for item in self._all.values())
        ):
            # In a thread, so that the engine meanwhile starts the provider.
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._find_content_errors))
            for text in await self._reading:
                pulumi.log.warn(text)
        elif self._reading is not None:
            await self._reading

    def _find_content_errors(self) -> list[str]:
        """Find the mistakes in transforms and ABIs; none where the provider names the only pipeline that has one."""
        found = [(item.name, problem) for item in self._all.values() for problem in item.find_errors(thorough=True)]
        is_one = len({name for name, _ in found}) <= 1
        return [] if is_one else [f"declare pipeline {name}: {problem}" for name, problem in found]

    def _describe(self) -> str:
        found = [(item.name, problem) for item in self._all.values() for problem in item.find_errors(thorough=True)]
        names = {name for name, _ in found}
        if len(names) > 1:
            return "\n".join(
                ["declare pipelines: fix these inputs", *(f"  {name}: {problem}" for name, problem in found)]
            )
        subject = f"declare pipeline {names.pop()}"
        if len(found) == 1:
            return f"{subject}: {found[0][1]}"
        return "\n".join([f"{subject}: fix these inputs", *(f"  {problem}" for _, problem in found)])


def current_declarations() -> Declarations:
    """Return those of the running program; they are kept on its stack, for a process may run several programs."""
    root = pulumi.runtime.get_root_resource()
    found = getattr(root, _ATTRIBUTE, None)
    if isinstance(found, Declarations):
        return found
    made = Declarations()
    if root is not None:
        setattr(root, _ATTRIBUTE, made)
    return made


def find_ignored_problems(paths: Iterable[str], properties: Mapping[str, Any]) -> Iterator[Problem]:
    """Find the paths of `ignore_changes` that match no input: a misspelt one ignores nothing, silently.

    Below the names that GoldRush documents, keys are the user's own, and one that is ignored may be about to go.
    """
    for path in paths:
        first, *rest = [part for part in re.split(r"[.\[\]\"']+", path) if part]
        if first not in (*INPUTS, "*"):
            yield _ignores_nothing(path, advise(first, INPUTS))
        elif first == "destination_config":
            destination = DESTINATIONS.get(resolve_type(as_plain(properties)) or "")
            yield from _find_ignored_fields(path, rest, destination.fields if destination else ())


def _find_ignored_fields(path: str, keys: list[str], fields: tuple[DestinationField, ...]) -> Iterator[Problem]:
    for key in keys:
        names = [field.name for field in fields]
        if names and key not in (*names, "type", "*"):
            yield _ignores_nothing(path, advise(key, names))
        field = find_field(fields, key)
        fields = field.fields if field else ()


def _ignores_nothing(path: str, right: str) -> Problem:
    return Problem(Rule.IGNORES_NOTHING, "ignore_changes", f'"{path}" matches no input', right)


def _first_key(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]
