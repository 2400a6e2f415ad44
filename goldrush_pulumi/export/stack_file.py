"""Write the pipelines as stack config, `pipelines` in `Pulumi.<stack>.yaml`, without credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.export.credentials import without_values
from goldrush_pulumi.export.survey import tidy_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldrush_pulumi.export.credentials import Leaf
    from goldrush_pulumi.export.survey import Declared

PROGRAM = '''"""Every pipeline that the selected stack's config declares."""

from __future__ import annotations

from goldrush_pulumi.stack_config import declare_pipelines

declare_pipelines()
'''

_WIDTH = 120


def render_stack_file(declared: Sequence[Declared], abi_paths: Mapping[str, str], project: str) -> str:
    """Return the stack file. `abi_paths` gives the path of the ABI file for the names of resources that have one."""
    pipelines = {item.resource: _entry(item, abi_paths.get(item.resource)) for item in declared}
    return render_yaml({"config": {f"{project}:pipelines": pipelines}})


def render_yaml(value: Any) -> str:
    """Return YAML in the order of the values, strings of several lines as blocks."""
    import yaml  # noqa: PLC0415 - loaded when it is needed

    class Dumper(yaml.SafeDumper):
        """Writes no aliases."""

        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, represent)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH))


def config_path(leaf: Leaf) -> str:
    """Return the path of a credential for `pulumi config set --path`."""
    path = "pipelines"
    for key in (leaf.resource, "destination_config", *leaf.path):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        path += f".{key}" if re.fullmatch(r"[A-Za-z_][\w-]*", key, re.ASCII) else f'["{quoted}"]'
    return path


def _entry(item: Declared, abi_path: str | None) -> dict[str, Any]:
    entry = {name: program_value(name, value) for name, value in item.inputs.items() if name != "destination_type"}
    config = without_values(item.inputs["destination_config"], {leaf.path for leaf in item.leaves})
    entry["destination_config"] = {"type": item.inputs["destination_type"], **config}
    return {**entry, "abi_file": abi_path} if abi_path and "abi_file" in entry else entry


def program_value(name: str, value: Any) -> Any:
    """Return the value of an input as a person would write it: tidy SQL, heights as numbers."""
    if name == "transforms":
        return {table: tidy_sql(sql) for table, sql in value.items()}
    is_height = name.startswith("execution_") and isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value)
    return int(value) if is_height else value
