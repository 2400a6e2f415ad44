"""Write the file from which `pulumi import --file` records the pipelines, without a program or a request.

The engine takes inputs and outputs in this file as they are (Pulumi 3.254 and newer), so both contain what the provider
would have written: its own pickled name, hidden inputs, and credentials in the form of an unencrypted state.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.export.credentials import with_values
from goldrush_pulumi.operations.identity import key_fingerprint
from goldrush_pulumi.operations.outputs import outputs_of_reading
from goldrush_pulumi.operations.spec import with_defaults
from goldrush_pulumi.schema.wire import (
    OWNER,
    OWNER_TYPE,
    PIPELINE_TYPE,
    PROVIDER,
    SECRET_PATHS,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldrush_pulumi.export.survey import Declared

OWNER_NAME: Final = "goldrush"


def render_import_file(
    declared: Sequence[Declared], *, service_key: str, base_url: str, owner: str | None = None
) -> str:
    """Return the import file as JSON, credentials in clear text.

    Args:
        declared: The pipelines.
        service_key: The key they were found with; only a fingerprint of it is written.
        base_url: The endpoint they were found at, likewise.
        owner: Id of the stack's `Owner`; None imports a new one with the pipelines.
    """
    owner_id = owner or uuid.uuid4().hex
    resources = [] if owner else [_owner_resource(owner_id)]
    resources += [_pipeline_resource(item, owner_id, service_key, base_url) for item in declared]
    return json.dumps({"nameTable": {}, "resources": resources}, indent=2) + "\n"


def _owner_resource(owner_id: str) -> dict[str, Any]:
    from goldrush_pulumi.owner import make_owner_provider  # noqa: PLC0415 - pulumi is loaded when it is needed

    properties = {PROVIDER: _pickled(make_owner_provider())}
    return {"type": OWNER_TYPE, "name": OWNER_NAME, "id": owner_id, "inputs": properties, "outputs": properties}


def _pipeline_resource(item: Declared, owner_id: str, service_key: str, base_url: str) -> dict[str, Any]:
    from goldrush_pulumi.provider import make_provider  # noqa: PLC0415 - pulumi is loaded when it is needed

    found, provider = item.found, {PROVIDER: _pickled(make_provider())}
    recorded = with_values(item.inputs["destination_config"], {leaf.path: leaf.recorded for leaf in item.leaves})
    marked = [["destination_config", *leaf.path] for leaf in item.leaves]
    inputs = with_defaults({**item.inputs, "destination_config": _with_type(item, recorded)}, item.resource)
    inputs |= {SECRET_PATHS: marked}
    fingerprint = key_fingerprint(service_key, base_url, found.pipeline.id)
    outputs = outputs_of_reading(inputs, found.pipeline, found.status, fingerprint, {})
    return {
        "type": PIPELINE_TYPE,
        "name": item.resource,
        "id": found.pipeline.id,
        "inputs": {**_with_secrets_marked(inputs, item), OWNER: owner_id, **provider},
        "outputs": {**_with_secrets_marked(outputs, item), **provider},
    }


def _with_type(item: Declared, config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config, "type": item.inputs["destination_type"]}


def _with_secrets_marked(properties: Mapping[str, Any], item: Declared) -> dict[str, Any]:
    secrets = {leaf.path: _secret(leaf.recorded) for leaf in item.leaves}
    return {**properties, "destination_config": with_values(properties["destination_config"], secrets)}


def _secret(value: Any) -> dict[str, str]:
    return {SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": json.dumps(value)}


def _pickled(provider: Any) -> str:
    """Return what Pulumi itself writes into the state of a dynamic resource."""
    from pulumi.dynamic.dynamic import serialize_provider  # noqa: PLC0415 - pulumi is loaded when it is needed

    return str(serialize_provider(provider))
