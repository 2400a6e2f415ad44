"""Read what a stack records about its pipelines, from its state and its config, through the Pulumi CLI.

The state is exported with its secrets encrypted, because nothing here needs one. The Automation API can only export it
with all of them in clear text.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.output import safe
from goldrush_pulumi.operations.call import name_in
from goldrush_pulumi.operations.identity import provider_owner
from goldrush_pulumi.operations.known_stacks import KnownStacks, StackName
from goldrush_pulumi.operations.redaction import known_secrets
from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.schema.wire import OWNER_TYPE, PIPELINE_TYPE, PLUGIN_PIPELINE_TYPE, PLUGIN_PROVIDER_TYPE

_PIPELINES_KEY: Final = ":pipelines"

_DESTINATIONS_KEY: Final = ":destinations"

_CLI_TIMEOUT_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Managed:
    """A pipeline in a stack's state: the resource's name, the pipeline's id, and what the state records."""

    resource: str
    pipeline_id: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The deployment records, newest first."""
        runs = self.outputs.get("runs")
        return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []


@dataclass(frozen=True)
class Stack:
    """A stack: its config in clear text, the pipelines in its state, and the id of its `Owner` if it has one."""

    name: str
    config: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    pipelines: tuple[Managed, ...] = ()
    owner: str | None = None
    declared: int = 0
    """How many pipelines its config declares; a program may declare more."""

    def by_resource(self, name: str) -> Managed | None:
        """Return the pipeline of the resource `name`, None if the stack has no such resource.

        Raises:
            CommandFailed: Several resources, of different parents, have that name.
        """
        found = [managed for managed in self.pipelines if managed.resource == name]
        if len(found) > 1:
            ids = ", ".join(managed.pipeline_id for managed in found)
            text = f"find resource {safe(name)}: stack {self.name} has several of that name, use an id: {ids}"
            raise CommandFailed(text, ExitCode.AMBIGUOUS)
        return found[0] if found else None

    def by_id(self, pipeline_id: str) -> Managed | None:
        """Return the pipeline with that id, None if the stack does not manage it."""
        return next((managed for managed in self.pipelines if managed.pipeline_id == pipeline_id), None)


# Pulumi keeps beside each state file one with its checksum, and writes that one in two steps.
_CUT_OFF: Final = "failed to load checkpoint: EOF"

_CUT_OFF_ADVICE: Final = (
    "because a killed CLI left an empty file beside the state: remove the empty .json.attrs file from .pulumi/stacks of"
    " the backend, the state itself is complete"
)


def load_stack(name: str, folder: Path) -> Stack:
    """Read a stack's config and state.

    Raises:
        CommandFailed: The Pulumi CLI, the project or the stack is missing, or its secrets cannot be decrypted.
    """
    config = json.loads(_pulumi(name, folder, "config", "--show-secrets", "--json"))
    state = json.loads(_pulumi(name, folder, "stack", "export"))
    resources = (state.get("deployment") or {}).get("resources") or []
    _note_owners(resources)
    return Stack(
        name=name,
        config={key: str(entry.get("value", "")) for key, entry in config.items()},
        secrets=frozenset(text for key, entry in config.items() for text in _secrets_in(key, entry)),
        pipelines=tuple(_managed(item) for item in resources if _is_pipeline(item)),
        declared=sum(len(_declared_in(entry)) for key, entry in config.items() if key.endswith(_PIPELINES_KEY)),
        owner=next((str(item["id"]) for item in resources if item.get("type") == OWNER_TYPE), None),
    )


def _note_owners(resources: list[dict[str, Any]]) -> None:
    """Note what the stack is called, so that another one can name it where it meets its ownership tag."""
    known = KnownStacks.of_user()
    for item in resources:
        urn, identifier = str(item.get("urn")), str(item.get("id") or "")
        if item.get("type") == OWNER_TYPE:
            names = {**(item.get("outputs") or {}), **(item.get("inputs") or {})}
            known.note(identifier, StackName.of(urn, str(names.get("organization") or "")))
        elif item.get("type") == PLUGIN_PROVIDER_TYPE:
            known.note(provider_owner(identifier), StackName.of(urn))


def cli_version() -> str | None:
    """Return the version of the Pulumi CLI on PATH, None if there is no Pulumi CLI."""
    if shutil.which("pulumi") is None:
        return None
    ended = _run(["pulumi", "version"], Path())
    return safe(ended.stdout.strip()) or None


def _is_pipeline(resource: Mapping[str, Any]) -> bool:
    is_live = not resource.get("delete") and not resource.get("external")
    return is_live and resource.get("type") in {PIPELINE_TYPE, PLUGIN_PIPELINE_TYPE} and bool(resource.get("id"))


def _managed(resource: Mapping[str, Any]) -> Managed:
    inputs, outputs = resource.get("inputs") or {}, resource.get("outputs") or {}
    if resource["type"] == PLUGIN_PIPELINE_TYPE:
        inputs, outputs = api_properties(inputs), api_properties(outputs)
    return Managed(name_in(str(resource["urn"])), str(resource["id"]), inputs, outputs)


def _secrets_in(key: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the secret strings of one config value; of declared pipelines, only their credentials are secret."""
    if not entry.get("secret"):
        return
    value = entry.get("objectValue", entry.get("value", ""))
    if key.endswith(_PIPELINES_KEY) and isinstance(value, Mapping):
        for declared in value.values():
            if isinstance(declared, Mapping):
                yield from known_secrets(_with_destination_type(declared))
    elif key.endswith(_DESTINATIONS_KEY) and isinstance(value, Mapping):
        for config in value.values():
            yield from known_secrets(_with_destination_type({"destination_config": config}))
    else:
        yield from _strings_in(value)


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _strings_in(item)


def _declared_in(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    value = entry.get("objectValue")
    return value if isinstance(value, Mapping) else {}


def _with_destination_type(declared: Mapping[str, Any]) -> dict[str, Any]:
    config = declared.get("destination_config")
    inner = config.get("type") if isinstance(config, Mapping) else None
    return {**declared, "destination_type": declared.get("destination_type") or inner}


def _pulumi(stack: str, folder: Path, *arguments: str) -> str:
    if shutil.which("pulumi") is None:
        text = f"read stack {safe(stack)}: the Pulumi CLI is not on PATH, install it, or use ids without --stack"
        raise CommandFailed(text, ExitCode.NO_STACK)
    ended = _run(["pulumi", *arguments, "--non-interactive", "--stack", stack], folder)
    if ended.returncode:
        raise CommandFailed(f"read stack {safe(stack)}: {_reason(ended.stderr)}", ExitCode.NO_STACK)
    return ended.stdout


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.run(  # noqa: S603 - fixed words and the name of a stack, without a shell
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CLI_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or "timed out"
        raise CommandFailed(f"run pulumi in {safe(folder)}: {reason.lower()}", ExitCode.NO_STACK) from None


def _reason(output: str) -> str:
    """Return the line of the CLI's output that says why."""
    lines = [safe(line) for line in output.splitlines() if line.strip()]
    found = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "pulumi failed")
    reason = found.removeprefix("error:").strip()
    return f"{reason}, {_CUT_OFF_ADVICE}" if reason.endswith(_CUT_OFF) else reason
