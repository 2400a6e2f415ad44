"""What programs can write beside a plain declaration: adoption, look-ups, subclasses, mocks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import yaml

from tests.e2e.programs import POSTGRES, TOPIC, Code, marked, pipeline
from tests.e2e.stack import Stack, make_project

if TYPE_CHECKING:
    from tests.e2e.world import World

MOCKED = """
import socket

def refuse(*_):
    raise AssertionError("a program under mocks must not reach the network")

socket.socket.connect = refuse

import pulumi

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        seen.append((args.typ, args.name))
        return f"{args.name}-id", {**args.inputs, "phase": "RUNNING"}

    def call(self, args):
        return {}

seen = []
pulumi.runtime.set_mocks(Mocks(), preview=False)

import goldrush_pulumi as goldrush

@pulumi.runtime.test
def declare():
    swaps = goldrush.Pipeline(
        "swaps",
        project="shop",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url="postgresql://db.example.com:5432/a", user="u", password=pulumi.Output.secret("hidden")
        ),
        execution_start_from=2**60 + 1,
    )

    def judge(values):
        phase, start, name = values
        assert (phase, start, name) == ("RUNNING", str(2**60 + 1), "swaps"), values

    return pulumi.Output.all(swaps.phase, swaps.execution_start_from, swaps.name).apply(judge)

declare()
assert ("pulumi-python:dynamic/goldrush:Pipeline", "swaps") in seen, seen
print("declared under mocks")
"""

AUTOMATED = """
import os
import sys

from pulumi import automation

import goldrush_pulumi as goldrush


def declare():
    goldrush.Pipeline(
        "swaps",
        project="shop",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url="postgresql://db.example.com:5432/a", user="u", password="unremarkable"
        ),
    )


stack = automation.create_or_select_stack(
    stack_name="dev",
    project_name="automated",
    program=declare,
    opts=automation.LocalWorkspaceOptions(work_dir=os.getcwd(), env_vars={"PULUMI_PYTHON_CMD": sys.executable}),
)
stack.set_config("goldrush:failedGraceSeconds", automation.ConfigValue("0.3"))
try:
    print(getattr(stack, sys.argv[1])().summary.result)
except automation.CommandError as error:
    print("refused:", error)
"""


def made_elsewhere(world: World, **changes: Any) -> str:
    """A pipeline that somebody made without Pulumi; answers its id."""
    import httpx  # noqa: PLC0415 - for this helper alone

    body = {
        "name": "by-hand",
        "project": "shop",
        "topic": TOPIC,
        "destination_type": "postgres",
        "destination_config": POSTGRES,
        "execution_mode": "unbounded",
        **changes,
    }
    headers = {"Authorization": f"Bearer {world.emulator.service_key}"}
    answer = httpx.post(world.emulator.base_url, json=body, headers=headers, trust_env=False).raise_for_status()
    world.emulator.clear_requests()
    return str(answer.json()["data"]["id"])


def test_program_runs_under_mocks_without_any_network(world: World) -> None:
    """`pulumi.runtime.set_mocks` is enough to test a program: no engine, no key, no network."""
    del world.cli.settings["GOLDRUSH_SERVICE_KEY"]
    (world.folder / "mocked.py").write_text(MOCKED, "utf-8")
    ended = world.cli.run_program((sys.executable, "mocked.py"), folder=world.folder)
    assert "declared under mocks" in ended


def test_automation_api_is_told_what_users_are_told(world: World) -> None:
    """An inline program gets the diagnosis in its exception, and goes on with the same pipeline."""
    world.cli.settings |= {"GOLDRUSH_BASE_URL": world.emulator.base_url}
    stack = Stack(world.cli, make_project(world.folder / "automated", "automated"))
    (stack.folder / "main.py").write_text(AUTOMATED, "utf-8")
    world.emulator.script("swaps", logs=["FATAL: password authentication failed"], until="never")
    refused = world.cli.run_program((sys.executable, "main.py", "up"), folder=stack.folder)
    world.stacks.append(stack)
    assert "refused: " in refused
    assert "is FAILED" in refused
    assert "(auth_failed)" in refused
    world.emulator.clear_scripts()
    assert "succeeded" in world.cli.run_program((sys.executable, "main.py", "up"), folder=stack.folder)
    assert len(world.sent("POST")) == 1
    assert "succeeded" in world.cli.run_program((sys.executable, "main.py", "destroy"), folder=stack.folder)
    assert world.emulator.pipelines() == []


def test_adopted_pipeline_becomes_what_is_declared(world: World) -> None:
    """`adopt_id` takes an existing pipeline over without a POST; once it is ours, the argument may go."""
    pipeline_id = made_elsewhere(world)
    stack = world.stack(pipeline(adopt_id=pipeline_id, description="now ours"))
    stack.up(preview=True)
    assert stack.resource().id == pipeline_id
    assert world.sent("POST") == []
    assert world.pipeline()["description"] == "now ours"
    stack.preview_clean()
    stack.program(pipeline(description="now ours"))
    stack.preview_clean("--refresh")
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_adoption_of_what_cannot_be_changed_is_refused(world: World) -> None:
    """A pipeline of another project or topic is not adopted, and stays as it is."""
    pipeline_id = made_elsewhere(world, project="other")
    world.strays.add(pipeline_id)
    stack = world.stack(pipeline(adopt_id=pipeline_id))
    ended = stack.up(expect=1)
    assert f"{pipeline_id} cannot become what is declared: project is 'other'" in ended
    assert {request.method for request in world.emulator.requests()} <= {"GET"}
    stack.program(pipeline(adopt_id="pipe_000000000000000000000000000"))
    assert "does not exist or is hidden from this ServiceKey" in stack.up(expect=1)


def test_replacement_of_an_adopted_pipeline_is_refused(world: World) -> None:
    """A replacing change beside `adopt_id` is refused: the pipeline to adopt would be deleted first."""
    pipeline_id = made_elsewhere(world)
    stack = world.stack(pipeline(adopt_id=pipeline_id))
    stack.up()
    stack.program(pipeline(adopt_id=pipeline_id, topic="eth.mainnet.ref.block.swap.v3"))
    for verb in (stack.preview, stack.up):
        ended = verb(expect=None)
        assert ended.code != 0
        assert "remove adopt_id from the program first" in ended
    assert world.pipeline()["id"] == pipeline_id


def test_pipeline_is_adopted_once(world: World) -> None:
    """Two resources cannot adopt the same pipeline in one run."""
    pipeline_id = made_elsewhere(world)
    stack = world.stack(
        pipeline("swaps", adopt_id=pipeline_id),
        pipeline("mints", adopt_id=pipeline_id, opts="depends_on=[swaps]"),
    )
    ended = stack.up(expect=1)
    assert "Traceback" not in ended
    assert [item.id for item in stack.resources()] == [pipeline_id]


def test_namesake_is_not_made_twice(world: World) -> None:
    """A pipeline of that project and name that somebody else made is told, with the line that takes it over."""
    pipeline_id = made_elsewhere(world, name="swaps")
    stack = world.stack(pipeline())
    world.strays.add(pipeline_id)
    ended = stack.up(expect=1)
    assert f'adopt_id="{pipeline_id}"' in ended
    assert world.sent("POST") == []
    world.strays.clear()
    stack.program(pipeline(adopt_id=pipeline_id))
    stack.up()
    assert stack.resource().id == pipeline_id
    stack.preview_clean("--refresh")


def test_existing_pipeline_is_read_and_not_managed(world: World) -> None:
    """`Pipeline.get` reads a pipeline; a destroy of the stack leaves it alone."""
    pipeline_id = made_elsewhere(world, description="by somebody else")
    world.strays.add(pipeline_id)
    stack = world.stack(
        f"found = goldrush.Pipeline.get('found', {pipeline_id!r})",
        "for name in ('topic', 'phase', 'description', 'destination_type'):",
        "    pulumi.export(name, getattr(found, name))",
    )
    stack.up(preview=True)
    assert stack.outputs() == {
        "topic": TOPIC,
        "phase": "RUNNING",
        "description": "by somebody else",
        "destination_type": "postgres",
    }
    stack.up()
    stack.destroy()
    assert {request.method for request in world.emulator.requests()} == {"GET"}


def test_subclass_is_the_same_pipeline(world: World) -> None:
    """A class of the user's own keeps the type, so moving to it changes nothing."""
    stack = world.stack(pipeline())
    stack.up()
    subclass = "class House(goldrush.Pipeline):\n    '''The house's own kind.'''\n"
    stack.program(subclass, pipeline().replace("goldrush.Pipeline(", "House("))
    stack.preview_clean()


def test_both_forms_of_the_constructor_mean_the_same(world: World) -> None:
    """`PipelineArgs` with a typed destination is no change of keywords with a dict."""
    stack = world.stack(pipeline())
    stack.up()
    config = ", ".join(f"{key}={value!r}" for key, value in POSTGRES.items() if key != "type")
    stack.program(
        f"destination = goldrush.PostgresDestinationArgs({config})",
        f"args = goldrush.PipelineArgs(project='shop', topic={TOPIC!r}, destination_config=destination)",
        "goldrush.Pipeline('swaps', args)",
    )
    stack.preview_clean()


def test_outputs_feed_other_resources(world: World) -> None:
    """What a pipeline reports can be exported and used by the next."""
    stack = world.stack(
        pipeline("swaps"),
        pipeline("mints", description=Code("swaps.id.apply(lambda id: f'after {id}')")),
        "pulumi.export('phase', mints.phase)",
        "pulumi.export('ready', mints.ready)",
        "pulumi.export('runs', mints.runs.apply(lambda runs: [run['status'] for run in runs]))",
    )
    stack.up(preview=True)
    assert world.pipeline("mints")["description"] == f"after {world.pipeline('swaps')['id']}"
    assert stack.outputs() == {"phase": "RUNNING", "ready": 1, "runs": ["Succeeded"]}
    stack.preview_clean()


def test_every_mistake_of_every_pipeline_is_named(world: World) -> None:
    """Mistakes in three pipelines are told by one preview, by name and path, and nothing is sent."""
    stack = world.stack(
        pipeline("swaps", topic="swaps"),
        pipeline("mints", topik=TOPIC),
        pipeline("right"),
        pipeline("burns", transforms={"swaps": "DROP TABLE swaps"}),
        "pulumi.export('phase', swaps.phase)",
    )
    for verb in (stack.preview, stack.up):
        ended = verb(expect=None)
        assert ended.code != 0
        assert "swaps: topic: does not have the form of a topic" in ended
        assert 'mints: topik: is not an input of a pipeline, did you mean "topic"?' in ended
        assert 'burns: transforms["swaps"]: is not a SELECT' in ended
        assert "right: " not in ended
        assert "Traceback" not in ended
    assert stack.resources() == []
    assert world.emulator.requests() == []


def test_wrong_transforms_of_all_pipelines_are_named(world: World) -> None:
    """The engine ends a preview at the first pipeline that check refuses; warnings name the others."""
    stack = world.stack(*(pipeline(name, transforms={"swaps": "DROP TABLE swaps"}) for name in ("swaps", "mints")))
    ended = stack.preview(expect=None)
    assert ended.code != 0
    for name in ("swaps", "mints"):
        assert f'declare pipeline {name}: transforms["swaps"]: is not a SELECT' in ended


def test_abi_file_lies_beside_the_project_s_file(world: World) -> None:
    """With `main: infra` the program runs in another folder; the path of an ABI still begins at Pulumi.yaml."""
    stack = world.stack(pipeline(topic="base.mainnet.ref.block.logs", abi_file="abi/swap.json"))
    settings = yaml.safe_load((stack.folder / "Pulumi.yaml").read_text("utf-8"))
    (stack.folder / "Pulumi.yaml").write_text(yaml.safe_dump({**settings, "main": "infra"}), "utf-8")
    for folder in ("infra", "abi"):
        (stack.folder / folder).mkdir()
    (stack.folder / "__main__.py").rename(stack.folder / "infra" / "__main__.py")
    (stack.folder / "abi" / "swap.json").write_text(json.dumps([{"type": "event", "name": "Swap", "inputs": []}]))
    stack.preview()


HOUSE = """
class House(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("acme:House", name, None, opts)
        self.opts = pulumi.ResourceOptions(parent=self)
"""


def test_pipelines_of_a_kept_component_belong_to_nobody(world: World) -> None:
    """A pipeline that inherits `retain_on_delete` from its component carries no ownership tag; its sibling does."""
    stack = world.stack(
        HOUSE,
        "kept = House('kept', pulumi.ResourceOptions(retain_on_delete=True))",
        "other = House('other')",
        pipeline("swaps").replace("\n)", "\n    opts=kept.opts,\n)"),
        pipeline("mints", description=marked(world.plant())).replace("\n)", "\n    opts=other.opts,\n)"),
    )
    stack.up(preview=True)
    tagged = {item["name"] for item in world.emulator.pipelines() if "[pulumi:" in item["description"]}
    assert tagged == {"mints"}
    stack.preview_clean("--diff")
    world.strays.add(stack.resource("swaps").id)
    stack.destroy()
    assert [item["name"] for item in world.emulator.pipelines()] == ["swaps"]


def test_what_a_transform_marks_is_kept_out_of_messages(world: World) -> None:
    """A value that a transform of the resource marks as secret is hidden when the worker prints it."""
    secret = world.plant("description")
    stack = world.stack(
        "def hide(args):",
        "    described = {**args.props, 'description': pulumi.Output.secret(args.props['description'])}",
        "    return pulumi.ResourceTransformResult(described, args.opts)",
        pipeline(description=secret, opts="transforms=[hide]"),
    )
    world.emulator.script("swaps", logs=[f"FATAL: no such thing: {secret}"], until="never")
    assert "no such thing: [secret]" in stack.up(expect=1)


def test_unmanaged_pipeline_is_not_complained_of(world: World) -> None:
    """A pipeline that was only looked up may be down: refresh shows its phase and asks for nothing."""
    pipeline_id = made_elsewhere(world)
    world.strays.add(pipeline_id)
    stack = world.stack(f"found = goldrush.Pipeline.get('found', {pipeline_id!r})", pipeline("swaps"))
    stack.up()
    world.emulator.fail(pipeline_id, ["FATAL: down"])
    for _ in range(2):
        assert "FATAL" not in stack.refresh("--diff")
    assert stack.resource("found").outputs["phase"] == "FAILED"
    assert stack.resource("found").init_errors == ()
