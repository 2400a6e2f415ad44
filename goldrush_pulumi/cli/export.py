"""`export`: write existing pipelines as a Pulumi project that declares them, and a file that imports them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from goldrush_pulumi.cli.context import CommandContext, open_context
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode
from goldrush_pulumi.cli.json_models import ExportedPipeline, ExportReport, UnknownSecret
from goldrush_pulumi.cli.options import HERE, AsJson, Folder, NameGlob, ProjectGlob, StackName, TopicGlob
from goldrush_pulumi.cli.output import count_of, note, print_line, print_models, safe
from goldrush_pulumi.cli.targets import Filters
from goldrush_pulumi.validation.projects import find_project

if TYPE_CHECKING:
    from goldrush_pulumi.export import Bundle, Declared, Found, Source


class Form(StrEnum):
    """What declares the pipelines."""

    PYTHON = "python"
    YAML = "yaml"
    PLUGIN = "plugin"
    IMPORT = "import"


_BY_ID: Final = frozenset({Form.PLUGIN, Form.IMPORT})
"""The forms for the plugin, which Pulumi imports by id."""

FormOption = Annotated[
    Form,
    typer.Option(
        "--form",
        help="python: a program in Python; yaml: stack config; plugin: a program in YAML for the plugin;"
        " import: only the file for an import by the plugin, in any language.",
    ),
]

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

Overwrite = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]

_RECORD_THEM: Final = " To record them with the import instead, export again with --secrets FILE; `--json` lists them."

_NEW_PROJECT: Final = "goldrush-pipelines"

_NEW_STACK: Final = "dev"

_OUT: Final = Path("exported")


def export_pipelines(
    *,
    project: ProjectGlob = None,
    topic: TopicGlob = None,
    name: NameGlob = None,
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
    are recorded with the import, and the preview after it is clean; for all others the preview shows exactly those
    values as changes. With --stack, pipelines that the stack manages are left out.

    The forms for the plugin import by id, and record no credentials.
    """
    _refuse_secrets(form, secrets)
    pulumi_project = pulumi_project or _project_of(folder, stack)
    with open_context(stack, folder) as context:
        found = _find(context, Filters(project, topic, name))
    declared = _declare(context, form, found, secrets, pulumi_project)
    bundle = _bundle(context, form, declared, pulumi_project, stack)
    written = _write(bundle, out, overwrite=overwrite)
    if as_json:
        print_models(_report(declared, bundle, written, out), context.redact)
    else:
        _print_next_steps(bundle, form, out, stack)


def _refuse_secrets(form: Form, secrets: Path | None) -> None:
    if secrets is not None and form in _BY_ID:
        text = f"export pipelines: --form {form} imports by id and records no credentials, leave --secrets out"
        raise CommandFailed(text, ExitCode.USAGE)


def _find(context: CommandContext, filters: Filters) -> list[Found]:
    """Return the pipelines that match and that the selected stack does not manage.

    Raises:
        CommandFailed: There are none.
    """
    from goldrush_pulumi.export import survey  # noqa: PLC0415

    managed = {item.pipeline_id for item in context.stack.pipelines} if context.stack else set()
    found = survey(context.client, lambda item: item.id not in managed and filters.match(item), context.cancelled)
    if not found:
        matches = f"matches {safe(str(filters))} and " if filters.are_set else ""
        text = f"export pipelines: none {matches}is still unmanaged, `goldrush-pulumi list` shows all"
        raise CommandFailed(text, ExitCode.NOT_FOUND)
    return found


def _short_name(stack: str) -> str:
    """Return the name of a stack without organization and project, as Pulumi names its file."""
    return stack.rpartition("/")[2]


def _project_of(folder: Path, stack: str | None) -> str:
    """Return the name of the project that the selected stack belongs to, or else that of a new one."""
    project = find_project(folder) if stack is not None else None
    return project.name if project and project.name else _NEW_PROJECT


def _declare(
    context: CommandContext, form: Form, found: list[Found], secrets: Path | None, project: str
) -> list[Declared]:
    """Return how a program declares pipelines, with the credentials that are known where the form records them."""
    from goldrush_pulumi.export import declare  # noqa: PLC0415

    return declare(found) if form in _BY_ID else declare(found, _source(context, secrets, project))


def _bundle(
    context: CommandContext, form: Form, declared: Sequence[Declared], project: str, stack: str | None
) -> Bundle:
    from goldrush_pulumi.export import make_bundle  # noqa: PLC0415 - loads Pulumi's SDK

    return make_bundle(
        declared,
        form=form.value,
        project=project,
        stack=_short_name(stack or _NEW_STACK),
        service_key=context.settings.service_key,
        base_url=context.settings.base_url,
        owner=context.stack.owner if context.stack else None,
    )


def _source(context: CommandContext, file: Path | None, project: str) -> Source:
    from goldrush_pulumi.export import first_of, from_environment, from_file, from_stack_config  # noqa: PLC0415

    return first_of(
        from_file(_read_secrets(file) if file else {}),
        from_environment(os.environ),
        from_stack_config(context.stack.config if context.stack else {}, project),
    )


def _read_secrets(file: Path) -> Mapping[str, Any]:
    """Return the map in the file of `--secrets`. No message quotes the file, because it may hold credentials."""
    import yaml  # noqa: PLC0415 - loaded when it is needed

    try:
        values = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = (getattr(error, "strerror", None) or "is not YAML").lower()
        raise CommandFailed(f"read secrets {safe(str(file))}: {reason}", ExitCode.NOT_FOUND) from None
    if not isinstance(values, Mapping):
        raise CommandFailed(f"read secrets {safe(str(file))}: is not a map of names", ExitCode.USAGE)
    return values


def _write(bundle: Bundle, out: Path, *, overwrite: bool) -> list[Path]:
    from goldrush_pulumi.export import ExportError, write_bundle  # noqa: PLC0415

    try:
        return write_bundle(bundle, out, overwrite=overwrite)
    except ExportError as error:
        raise CommandFailed(safe(str(error)) + ("" if overwrite else ", or use --force")) from None


def _report(declared: Sequence[Declared], bundle: Bundle, written: Sequence[Path], out: Path) -> ExportReport:
    from goldrush_pulumi.export.credentials import variable_of  # noqa: PLC0415

    return ExportReport(
        folder=str(out),
        files=[str(path) for path in written],
        pipelines=[
            ExportedPipeline(id=item.found.pipeline.id, name=item.found.pipeline.name, resource=item.resource)
            for item in declared
        ],
        commands=list(bundle.commands),
        unknown_secrets=[
            UnknownSecret(
                resource=leaf.resource, path=".".join(leaf.path), config_key=leaf.key, variable=variable_of(leaf)
            )
            for leaf in bundle.unknown
        ],
        managed_elsewhere=list(bundle.owned),
    )


def _print_next_steps(bundle: Bundle, form: Form, out: Path, stack: str | None) -> None:
    by_id = form in _BY_ID
    print_line(f"wrote {count_of(bundle.count, 'pipeline')} to {safe(str(out))}; next:")
    for line in _steps(bundle, form, out, stack):
        print_line(f"  {line}", whole=True)
    if bundle.unknown:
        way_out = "" if by_id else _RECORD_THEM
        print_line(
            f"{count_of(len(bundle.unknown), 'credential')} not known, because GoldRush masks them: the preview shows"
            f" exactly those as changes, and the first `pulumi up` sends them.{way_out}"
        )
    if bundle.owned:
        names = ", ".join(safe(name) for name in bundle.owned)
        note(
            f"warning: a stack already manages these, by their ownership tags; import them only if it is gone: {names}"
        )
    if not by_id:
        print_line("import.json holds credentials in clear text: delete it after the import.")


def _steps(bundle: Bundle, form: Form, out: Path, stack: str | None) -> list[str]:
    from goldrush_pulumi.export.bundle import IMPORT_COMMAND  # noqa: PLC0415

    elsewhere = shlex.quote(f"{out}/import.json")
    if form is Form.IMPORT:
        chosen = f" --stack {shlex.quote(stack)}" if stack else ""
        command = f"pulumi import --file {elsewhere} --protect=false --yes{chosen}"
        return [command, "# copy what it prints into the program, and fill the credentials in", "pulumi preview"]
    command = IMPORT_COMMAND
    if stack is None:
        steps = [
            f"cd {shlex.quote(str(out))}",
            f"pulumi stack init {_NEW_STACK}",
            "pulumi config set --secret goldrush:serviceKey",
        ]
    else:
        program = "resources and config of Pulumi.yaml" if form is Form.PLUGIN else "__main__.py"
        steps = [f"# copy {program}, abis and set-secrets.sh into the project, and change to its folder"]
        command = IMPORT_COMMAND.replace("import.json", elsewhere)
    secrets = ["sh set-secrets.sh"] if bundle.commands else []
    return [*steps, *secrets, command, "pulumi preview"]
