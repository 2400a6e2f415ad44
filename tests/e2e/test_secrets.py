"""Secrets in usual and unusual places: encrypted in state, and in clear nowhere but in what GoldRush itself is sent.

Every test of this suite ends with the same search; here are the places that are easily forgotten.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.e2e.cli import ROOT
from tests.e2e.leaks import find_leaks, spellings
from tests.e2e.programs import POSTGRES, marked, pipeline
from tests.e2e.stack import is_secret

if TYPE_CHECKING:
    from tests.e2e.stack import Stack
    from tests.e2e.world import World

SQL = "SELECT * FROM swaps WHERE token0 = 'TOKEN'"
TRANSFERS = "base.mainnet.ref.block.transfers"


def six_destinations(world: World) -> dict[str, dict[str, Any]]:
    """A config of each destination, with a planted secret wherever one can be."""
    keys = {"access_key_id": world.plant("keyid"), "secret_access_key": world.plant("key")}
    return {
        "postgres": {**POSTGRES, "password": f"p@s/{world.plant('pg')}&%"},
        "clickhouse": {
            "type": "clickhouse",
            "url": f"clickhouse://reader:{world.plant('url')}@ch.example.com:8123/analytics",
            "user": "goldrush",
            "password": world.plant("ch"),
        },
        "kafka": {
            "type": "kafka",
            "bootstrap_servers": "broker.example.com:9092",
            "sasl": {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": world.plant("sasl")},
            "output_topic": "swaps",
        },
        "object-storage": {"type": "object_storage", "provider": "s3", "bucket": "b", "region": "us-east-1", **keys},
        "sqs": {
            "type": "sqs",
            "queue_url": "https://sqs.us-east-1.amazonaws.com/000000000000/swaps",
            "region": "us-east-1",
            "access_key_id": world.plant("sqsid"),
            "secret_access_key": world.plant("sqs"),
        },
        "webhook": {
            "type": "webhook",
            "url": f"https://hooks.example.com/in?token={world.plant('hook')}",
            "headers": {"Authorization": f"Bearer {world.plant('auth')}", "X-Tenant": world.plant("tenant")},
        },
    }


def leaves(value: Any) -> list[Any]:
    """Every leaf below a value of the state, an encrypted one in its wrapping."""
    if isinstance(value, dict) and not is_secret(value):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [value]


def test_plain_credentials_of_all_destinations_are_encrypted(world: World) -> None:
    """Credentials that a program passed as plain texts are encrypted in inputs and outputs, the rest stays readable."""
    configs = six_destinations(world)
    programs = [
        pipeline(name, topic=TRANSFERS, destination_config=config, execution_start_from=1)
        for name, config in configs.items()
    ]
    stack = world.stack(*programs)
    stack.preview("--diff")
    stack.up("--diff", preview=True)
    for name in configs:
        recorded = stack.resource(name)
        for properties in (recorded.inputs, recorded.outputs):
            stored = leaves(properties["destination_config"])
            assert sum(map(is_secret, stored)) >= 1
            assert not all(map(is_secret, stored))
    stack.preview_clean("--diff")
    stack.refresh("--diff")
    stack.run("stack", "history")
    stack.run("stack", "--show-urns")
    stack.export()
    world.check()
    _change_every_secret(world, stack)


def _change_every_secret(world: World, stack: Stack) -> None:
    """New secrets in the place of the old ones: both generations stay hidden, and the new ones arrive."""
    configs = six_destinations(world)
    stack.program(
        *(
            pipeline(name, topic=TRANSFERS, destination_config=config, execution_start_from=1)
            for name, config in configs.items()
        )
    )
    stack.preview("--diff")
    stack.up("--diff", preview=True)
    for name, config in configs.items():
        sent = {**world.pipeline(name)["destination_config"]}
        assert sent == {**config, "type": sent["type"]}


def test_what_the_user_marked_is_encrypted(world: World) -> None:
    """Values marked as secret by the program stay secret, wherever they stand."""
    description, sql, user = world.plant("description"), world.plant("sql"), world.plant("user")
    stack = world.stack(
        pipeline(
            description=marked(f"about {description}"),
            transforms={"swaps": marked(SQL.replace("TOKEN", sql))},
            destination_config={**POSTGRES, "user": marked(user)},
            triggers={"release": marked(world.plant("trigger"))},
        ),
        "pulumi.export('description', swaps.description)",
    )
    stack.up("--diff", preview=True)
    stack.preview_clean()
    stack.refresh()
    stack.preview_clean()
    recorded = stack.resource()
    for properties in (recorded.inputs, recorded.outputs):
        assert is_secret(properties["description"])
        assert is_secret(properties["destination_config"]["user"])
    assert stack.outputs() == {"description": "[secret]"}


def test_diagnosis_hides_secrets_in_the_workers_words(world: World) -> None:
    """A password that the worker prints, in whatever spelling, is neither shown nor stored, and the cause still is."""
    password = f'{world.plant("pw")}/"&=+ {world.plant("more")}'
    spellings_said = (
        password,
        quote(password, safe=""),
        base64.b64encode(f"goldrush:{password}".encode()).decode(),
        json.dumps(password),
    )
    stack = world.stack(pipeline(destination_config={**POSTGRES, "password": password}))
    words = [f"ERROR attempt {number} with {said}: access denied" for number, said in enumerate(spellings_said)]
    world.emulator.script("swaps", logs=words, health_error=f"denied: {password}")
    ended = stack.up("--diff", expect=1, preview=True)
    for number in range(len(spellings_said)):
        assert "[secret]" in ended.line_with(f"attempt {number} with")
    assert "[secret]" in ended.line_with("destination:")
    assert "auth_failed" in ended
    assert "[secret]" in stack.resource().init_errors[0]
    stack.refresh()


def test_diagnosis_hides_old_and_new_secrets_and_marked_ones(world: World) -> None:
    """When a password changes, a worker that prints the old one gives away nothing; nor does one that prints SQL."""
    old, new, sql = world.plant("old"), world.plant("new"), world.plant("where")
    transforms = {"swaps": marked(SQL.replace("TOKEN", sql))}

    def declared(password: str) -> str:
        return pipeline(transforms=transforms, destination_config={**POSTGRES, "password": password})

    stack = world.stack(declared(old))
    stack.up()
    words = [f"ERROR {secret} refused" for secret in (old, new, SQL.replace("TOKEN", sql))]
    world.emulator.script("swaps", logs=words, until="never")
    stack.program(declared(new))
    ended = stack.up(expect=1)
    assert ended.text.count("[secret] refused") >= len(words)


def test_refused_config_shows_no_secret(world: World) -> None:
    """Problems that check finds are told by path, with nothing of the value, and nothing is sent."""
    secret = world.plant("password")
    config = {**POSTGRES, "url": f"postgres//{secret}@nowhere", "password": {"value": secret}, "pasword": secret}
    stack = world.stack(pipeline(destination_config=config, status=secret))
    for verb in (stack.preview, stack.up):
        ended = verb(expect=None)
        assert ended.code != 0
        assert "destination_config.url" in ended
        assert "destination_config.password" in ended
        assert "destination_config.pasword" in ended
        assert "status" in ended
        assert "Traceback" not in ended
    assert world.emulator.requests() == []


def test_refusal_by_the_server_shows_no_secret(world: World) -> None:
    """A 422 that quotes what was sent is shown without the secrets in it."""
    password = world.plant("password")
    stack = world.stack(pipeline(destination_config={**POSTGRES, "password": password}))
    refusal = {"error": True, "error_code": 422, "error_message": f"bad password {password}", "data": None}
    world.emulator.fault("POST", status=422, body=refusal)
    ended = stack.up(expect=1)
    assert "bad password [secret]" in ended
    assert stack.resources() == []


def test_header_that_the_server_shows_unmasked_is_encrypted(world: World) -> None:
    """A header that somebody added by hand and the server does not mask is stored encrypted after refresh."""
    config = {"type": "webhook", "url": "https://hooks.example.com/in", "headers": {"X-Own": world.plant("own")}}
    stack = world.stack(pipeline(destination_config=config))
    stack.up()
    added = {**config, "headers": {**config["headers"], "X-Added": world.plant("added")}}  # type: ignore[dict-item]
    world.emulator.edit(stack.resource().id, destination_config=added)
    stack.refresh("--diff")
    stored = stack.resource().inputs["destination_config"]["headers"]
    assert is_secret(stored["X-Added"])
    stack.up("--diff", preview=True)
    assert world.pipeline()["destination_config"]["headers"] == config["headers"]


def test_debug_output_shows_no_secret(world: World) -> None:
    """`--debug` adds much to the output, and no secret; nor does the provider's own debugging.

    With `-v=9` the engine itself logs every value that passes it, secret or not: no provider can change that.
    """
    world.cli.settings["GOLDRUSH_PULUMI_DEBUG"] = "1"
    stack = world.stack(pipeline(destination_config=six_destinations(world)["webhook"]))
    stack.up("--debug")
    stack.program(pipeline(destination_config=six_destinations(world)["webhook"]))
    stack.up("--debug", preview=True)
    stack.refresh("--debug")
    stack.destroy("--debug")


def test_service_key_in_config_is_never_shown(world: World) -> None:
    """A ServiceKey from the stack's config is encrypted in state and absent from every message."""
    key = world.cli.settings.pop("GOLDRUSH_SERVICE_KEY")
    stack = world.stack(pipeline())
    stack.config(secret={"goldrush:serviceKey": key})
    stack.up("--diff", "--show-config", preview=True)
    world.emulator.revoke_key(key)
    assert "Unauthorized" not in stack.refresh(expect=1)
    world.cli.settings["GOLDRUSH_SERVICE_KEY"] = key


def test_search_finds_what_it_looks_for() -> None:
    """The search of this suite sees a secret in clear and in base64 at any alignment."""
    for before in range(3):
        hidden = base64.b64encode(b"x" * before + b"plntA001X7q9Zk" + b"yz")
        assert find_leaks(["plntA001X7q9Zk"], [("a place", hidden)]) == ["plntA001X7q9Zk in a place"]
    assert find_leaks(["plntA001X7q9Zk"], [("a place", b"..plntA001X7q9Zk..")])
    assert find_leaks(["plntA001X7q9Zk"], [("a place", b"something else")]) == []
    assert len(set(spellings("plntA001X7q9Zk"))) == 4


def test_exactly_the_encrypted_values_of_stack_config_are_secret(world: World) -> None:
    """Encrypted values of any input stay encrypted in state, and reviewers still see everything else in a preview."""
    stack = world.copy(ROOT, name="ours")
    declared = {"project": "shop", "topic": TRANSFERS, "transforms": {"transfers": "SELECT tx_hash FROM transfers"}}
    config = {"type": "postgres", "url": "postgresql://db.example.com:5432/a", "user": "u"}
    stack.write_config({"goldrush-pipelines:pipelines": {"swaps": {**declared, "destination_config": config}}})
    path = "goldrush-pipelines:pipelines.swaps"
    secrets = {"destination_config.password": "password", "description": "description", "triggers.token": "trigger"}
    stack.config(secret={f"{path}.{key}": world.plant(what) for key, what in secrets.items()}, paths=True)
    shown = stack.preview("--diff")
    assert "SELECT tx_hash FROM transfers" in shown
    assert "postgresql://db.example.com:5432/a" in shown
    stack.up("--diff", preview=True)
    for properties in (stack.resource().inputs, stack.resource().outputs):
        assert is_secret(properties["description"])
        assert is_secret(properties["triggers"]["token"])
        assert is_secret(properties["destination_config"]["password"])
        assert properties["destination_config"]["url"] == config["url"]
    stack.preview_clean("--diff")
    elsewhere = stack.folder / "config-of-ours.yaml"
    stack.config_file.rename(elsewhere)
    hidden = stack.preview("--diff", "--config-file", str(elsewhere))
    assert "SELECT" not in hidden
    elsewhere.rename(stack.config_file)
