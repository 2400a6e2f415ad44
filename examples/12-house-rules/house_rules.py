"""Rules for every pipeline of a program, including pipelines inside components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pulumi

import goldrush_pulumi as goldrush

CREDENTIALS = {"password", "access_key_id", "secret_access_key", "session_token", "authorization"}


@contextmanager
def house_rules(stack: str) -> Iterator[None]:
    """Check every pipeline that is declared in the `with` block.

    Raises:
        pulumi.RunError: A pipeline breaks a rule. A preview lists all violations; an update without a preview stops at
            the first, before the pipeline is created.
    """
    violations: list[str] = []

    def check(declared: pulumi.ResourceTransformationArgs) -> None:
        if isinstance(declared.resource, goldrush.Pipeline):
            found = find_violations(stack, declared.props, declared.opts)
            violations.extend(f"pipeline {declared.name}: {violation}" for violation in found)
        if violations and not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(violations[0])

    pulumi.runtime.register_stack_transformation(check)
    yield
    if violations:
        raise pulumi.RunError("\n".join(["pipelines break the house rules", *violations]))


def find_violations(stack: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> Iterator[str]:
    """Yield the rules that a pipeline's inputs and options break."""
    if stack == "prod" and not opts.protect:
        yield "is not protected, set protect=True in its options"
    if stack == "prod" and not str(inputs["project"]).endswith("-prod"):
        yield "project: does not end in -prod, so it would share tables with another environment"
    for path in plain_credentials(inputs["destination_config"], "destination_config"):
        yield f"{path}: is plain text, read it with config.require_secret"


def plain_credentials(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of credentials that are plain strings, not secrets or other outputs."""
    if isinstance(value, str):
        if path.rpartition(".")[2].lower() in CREDENTIALS:
            yield path
    elif not isinstance(value, pulumi.Output):
        # A typed destination has attributes instead of keys.
        fields = value if isinstance(value, Mapping) else getattr(value, "__dict__", {})
        for name, item in fields.items():
            yield from plain_credentials(item, f"{path}.{name}")
