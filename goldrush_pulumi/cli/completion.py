"""Complete names of stacks, resources and pipelines in the shell. Whatever goes wrong completes nothing."""

from __future__ import annotations

from pathlib import Path

import typer

_STACK_FILES = ("Pulumi.*.yaml", "Pulumi.*.yml")


def complete_stacks(context: typer.Context, incomplete: str) -> list[str]:
    """Return the stacks that have a file in the project's folder."""
    folder = Path(context.params.get("folder") or ".")
    names = {path.name.split(".", 1)[1].rpartition(".")[0] for glob in _STACK_FILES for path in folder.glob(glob)}
    return sorted(name for name in names if name.startswith(incomplete))


def complete_pipelines(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of pipelines in the account, and with --stack those of its resources too."""
    from goldrush_pulumi.cli.context import open_context  # noqa: PLC0415 - options are loaded with every command
    from goldrush_pulumi.cli.output import safe  # noqa: PLC0415

    stack = context.params.get("stack")
    folder = Path(context.params.get("folder") or ".")
    try:
        with open_context(stack, folder, retry_seconds=0.0) as opened:
            resources = [managed.resource for managed in opened.stack.pipelines] if opened.stack else []
            pipelines = list(opened.client.iterate_pipelines())
    except Exception:  # noqa: BLE001 - an error would be printed into the line that the user is typing
        return []
    ids = [item.id for item in pipelines] if incomplete.startswith("pipe_") else []
    names = {*resources, *(item.name for item in pipelines), *ids}
    return sorted(name for name in names if name.startswith(incomplete) and name == safe(name))
