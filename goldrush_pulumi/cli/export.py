"""`export`: pipelines that exist already, as a Pulumi project that declares them and a file that imports them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from goldrush_pulumi.cli.context import Account, open_account
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, StackName
from goldrush_pulumi.cli.output import note, print_json, print_line, safe, safe_values

if TYPE_CHECKING:
    from goldrush_pulumi.export import Bundle, Declared, Source


class Form(StrEnum):
    """What declares the pipelines."""

    PYTHON = "python"
    YAML = "yaml"


ProjectGlob = Annotated[str, typer.Option("--project", help="Only pipelines whose project matches.", metavar="GLOB")]

TopicGlob = Annotated[str, typer.Option("--topic", help="Only pipelines whose topic matches.", metavar="GLOB")]

NameGlob = Annotated[str, typer.Option("--name", help="Only pipelines whose name matches.", metavar="GLOB")]

FormOption = Annotated[Form, typer.Option("--form", help="A Python program, or stack config in YAML.")]

Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.", metavar="FOLDER")]

Secrets = Annotated[
    Path | None,
    typer.Option(
        "--secrets",
        help="YAML or JSON file of credentials: names of resources to the secret part of their destination_config.",
        metavar="FILE",
    ),
]

PulumiProject = Annotated[
    str | None, typer.Option("--pulumi-project", help="Name of the Pulumi project.", metavar="NAME", show_default=False)
]

Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite files that are there already.")]

_NEW_PROJECT: Final = "goldrush-pipelines"

_NEW_STACK: Final = "dev"

_OUT: Final = Path("exported")


def export_pipelines(
    *,
    project: ProjectGlob = "*",
    topic: TopicGlob = "*",
    name: NameGlob = "*",
    form: FormOption = Form.PYTHON,
    out: Out = _OUT,
    secrets: Secrets = None,
    pulumi_project: PulumiProject = None,
    overwrite: Overwrite = False,
    stack: StackName = None,
    folder: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Write pipelines as a Pulumi project, with a file that imports them. Changes nothing on GoldRush.

    GoldRush masks credentials. Those given with --secrets, in GOLDRUSH_EXPORT_* variables or in the config of --stack
    are recorded with the import, and the preview after it is clean; of all others the preview shows exactly those
    values as changes. With --stack, pipelines that the stack manages are left out.
    """
    # Loaded here, for it loads Pulumi's SDK.
    from goldrush_pulumi.export import ExportError, Selection, declare, make_bundle, survey, write_bundle  # noqa: PLC0415

    chosen = pulumi_project or _project_of(folder, stack)
    with open_account(stack, folder) as account:
        managed = {item.pipeline_id for item in account.stack.pipelines} if account.stack else set()
        found = survey(account.client, Selection(project, topic, name, managed))
    if not found:
        raise CommandFailed("export pipelines: none fits that is not managed already", ExitCode.NOT_FOUND)
    declared = declare(found, _source(account, secrets, chosen))
    bundle = make_bundle(
        declared,
        form=form.value,
        project=chosen,
        stack=stack or _NEW_STACK,
        service_key=account.settings.service_key,
        base_url=account.settings.base_url,
        owner=account.stack.owner if account.stack else None,
    )
    try:
        written = write_bundle(bundle, out, overwrite=overwrite)
    except ExportError as error:
        raise CommandFailed(safe(str(error)) + ("" if overwrite else "; or give --force")) from None
    if as_json:
        print_json(safe_values(_report(declared, bundle, written, out), account.redact))
    else:
        _tell(bundle, out, stack)


def _project_of(folder: Path, stack: str | None) -> str:
    """The name of the project whose stack was named; else that of a new one."""
    if stack is None:
        return _NEW_PROJECT
    values = _read_yaml(folder / "Pulumi.yaml", "project")
    return str(values.get("name") or _NEW_PROJECT)


def _source(account: Account, file: Path | None, project: str) -> Source:
    from goldrush_pulumi.export import first_of, from_environment, from_file, from_stack_config  # noqa: PLC0415

    return first_of(
        from_file(_read_yaml(file, "secrets") if file else {}),
        from_environment(os.environ),
        from_stack_config(account.stack.config if account.stack else {}, project),
    )


def _read_yaml(file: Path, what: str) -> Mapping[str, Any]:
    """A map from a file. No message quotes it: it may hold credentials."""
    import yaml  # noqa: PLC0415 - loaded when it is needed

    try:
        values = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = (getattr(error, "strerror", None) or "is not YAML").lower()
        raise CommandFailed(f"read {what} {safe(str(file))}: {reason}", ExitCode.NOT_FOUND) from None
    if not isinstance(values, Mapping):
        raise CommandFailed(f"read {what} {safe(str(file))}: is not a map of names", ExitCode.USAGE)
    return values


def _report(declared: list[Declared], bundle: Bundle, written: list[Path], out: Path) -> dict[str, Any]:
    from goldrush_pulumi.export.credentials import variable_of  # noqa: PLC0415

    pipelines = [
        {"id": item.found.pipeline.id, "name": item.found.pipeline.name, "resource": item.resource} for item in declared
    ]
    unknown = [
        {"resource": leaf.resource, "path": ".".join(leaf.path), "config_key": leaf.key, "variable": variable_of(leaf)}
        for leaf in bundle.unknown
    ]
    return {
        "folder": str(out),
        "files": [str(path) for path in written],
        "pipelines": pipelines,
        "commands": list(bundle.commands),
        "unknown_secrets": unknown,
        "managed_elsewhere": list(bundle.owned),
    }


def _tell(bundle: Bundle, out: Path, stack: str | None) -> None:
    print_line(f"wrote {_count(bundle.count, 'pipeline')} to {safe(str(out))}; next:")
    for line in _steps(bundle, out, stack):
        print_line(f"  {line}")
    if bundle.unknown:
        print_line(
            f"{_count(len(bundle.unknown), 'credential')} not known, GoldRush masks them: the preview shows exactly"
            " those as changes, and the first `pulumi up` sends them. Export again with --secrets FILE to record them"
            " with the import instead; `--json` lists them."
        )
    if bundle.owned:
        names = ", ".join(safe(name) for name in bundle.owned)
        note(f"warning: some stack manages these already, by their mark; import them only if it is gone: {names}")
    print_line("import.json holds credentials in clear: delete it after the import.")


def _steps(bundle: Bundle, out: Path, stack: str | None) -> list[str]:
    from goldrush_pulumi.export.bundle import IMPORT_COMMAND  # noqa: PLC0415

    start = [f"cd {shlex.quote(str(out))}"]
    if stack is None:
        start += [f"pulumi stack init {_NEW_STACK}", "pulumi config set --secret goldrush:serviceKey"]
    else:
        start = ["# copy __main__.py, abis and set-secrets.sh into the project, and go there"]
    secrets = ["sh set-secrets.sh"] if bundle.commands else []
    command = (
        IMPORT_COMMAND if stack is None else IMPORT_COMMAND.replace("import.json", shlex.quote(f"{out}/import.json"))
    )
    return [*start, *secrets, command, "pulumi preview"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
