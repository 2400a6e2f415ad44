from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.api import GoldRushClient, RateLimiter
from goldrush_pulumi.cli import ExitCode, main
from goldrush_pulumi.cli.stacks import Stack
from goldrush_pulumi.cli.targets import Filters
from goldrush_pulumi.export import ExportError, declare, make_bundle, survey, write_bundle
from tests.support.caller import Caller, postgres_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.api import PipelinePage
    from goldrush_pulumi.emulator import Emulator
    from goldrush_pulumi.export import Bundle
    from goldrush_pulumi.export.bundle import Form

TAG = "[pulumi:0123456789abcdef0123456789abcdef/0123456789]"


@pytest.fixture
def api(emulator: Emulator) -> Iterator[Caller]:
    with Caller(emulator.base_url, emulator.service_key) as caller:
        yield caller


@pytest.fixture
def client(emulator: Emulator) -> Iterator[GoldRushClient]:
    made = GoldRushClient(
        service_key=emulator.service_key, base_url=emulator.base_url, rate_limiter=RateLimiter(1000.0)
    )
    yield made
    made.close()


@pytest.fixture
def key(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a command."""
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
    monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
    return emulator.service_key


def bundle(emulator: Emulator, client: GoldRushClient, form: Form = "python", owner: str | None = None) -> Bundle:
    key, url = emulator.service_key, emulator.base_url
    declared = declare(survey(client))
    return make_bundle(declared, form=form, project="p", stack="s", service_key=key, base_url=url, owner=owner)


@pytest.mark.untraced
@pytest.mark.parametrize("brief", [True, False])
def test_five_hundred_pipelines_are_surveyed(
    emulator: Emulator, api: Caller, client: GoldRushClient, *, brief: bool
) -> None:
    """Every page is read, whether the list is brief or whole, and only reads are sent."""
    for number in range(500):
        api.create(name=f"swaps {number}")
    emulator.switch(list_items_brief=brief)
    emulator.clear_requests()
    found = survey(client)

    assert len({item.pipeline.id for item in found}) == 500
    assert all(item.pipeline.destination_config and item.status.phase == "RUNNING" for item in found)
    assert {request.method for request in emulator.requests()} == {"GET"}
    assert len(bundle(emulator, client).commands) == 500


def test_no_pipeline_is_missing_because_others_come_and_go(
    emulator: Emulator, api: Caller, client: GoldRushClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is deleted and one is created between two pages, so a third slips from the second page to the first."""
    emulator.switch(page_size_limit=2, list_order="oldest first")
    ids = [api.create(name=f"swaps {number}")["id"] for number in range(4)]
    read_page = client.list_pipelines

    def read_and_change(number: int = 1, page_size: int | None = None) -> PipelinePage:
        page = read_page(number, page_size)
        if ids[0] in {item["id"] for item in emulator.pipelines()}:
            emulator.remove(ids[0])
            api.create(name="young")
        return page

    monkeypatch.setattr(client, "list_pipelines", read_and_change)

    assert {item.pipeline.id for item in survey(client)} >= set(ids[1:])


def test_filters_choose(api: Caller, client: GoldRushClient) -> None:
    """Globs of project, topic and name choose together."""
    for project in ("a-1", "a-2", "b"):
        api.create(project=project, name=f"{project} swaps")

    def chosen(**filters: Any) -> set[str]:
        return {item.pipeline.project for item in survey(client, Filters(**filters).match)}

    assert chosen(project="a-*") == {"a-1", "a-2"}
    assert chosen(name="b *", topic="base.*") == {"b"}
    assert chosen(topic="eth.*") == set()


def test_the_import_file_holds_what_the_provider_writes(
    emulator: Emulator, api: Caller, client: GoldRushClient
) -> None:
    """A new owner comes first, or none where the stack has one; credentials are marked, and the key is not there."""
    made = api.create(description=f"Swaps {TAG}")
    whole = bundle(emulator, client)
    owner, pipeline = json.loads(whole.files["import.json"])["resources"]

    assert owner["type"].endswith("goldrush:Owner")
    assert re.fullmatch("[0-9a-f]{32}", owner["id"])
    assert (pipeline["id"], pipeline["inputs"]["__owner"]) == (made["id"], owner["id"])
    assert pipeline["inputs"]["description"] == pipeline["outputs"]["description"] == "Swaps"
    for side in ("inputs", "outputs"):
        assert set(pipeline[side]["destination_config"]["password"]) == {
            "4dabf18193072939515e22adb298388d",
            "plaintext",
        }
    assert pipeline["outputs"]["phase"] == "RUNNING"
    assert whole.owned == (pipeline["name"],)
    assert "******" not in whole.files["import.json"]
    assert emulator.service_key not in repr(whole.files)

    (alone,) = json.loads(bundle(emulator, client, owner="f" * 32).files["import.json"])["resources"]
    assert alone["inputs"]["__owner"] == "f" * 32


def test_an_ended_pipeline_is_not_declared_paused(emulator: Emulator, api: Caller, client: GoldRushClient) -> None:
    """The desired status of a bounded pipeline that has ended is left out."""
    emulator.switch(bounded_end_status="paused")
    api.create(execution_mode="bounded", execution_stop_from="44745005")

    (item,) = declare(survey(client))
    assert item.found.status.phase == "STOPPED"
    assert "status" not in item.inputs


def test_hostile_names_stay_text(emulator: Emulator, api: Caller, client: GoldRushClient) -> None:
    """Names and headers that look like code, paths or shell words do no harm in any file or command."""
    hostile = '"); import os #\n$(rm -rf ~) `x` ../..'
    config = {"url": "https://hooks.example.com/x", "headers": {"X-$(id) 'a\"b": "******"}}
    api.create(postgres_body(name=hostile, destination_type="webhook", destination_config=config))
    for form in ("python", "yaml"):
        made = bundle(emulator, client, form)
        compile(made.files["__main__.py"], "__main__.py", "exec")
        assert all(".." not in name.split("/") for name in made.files)
        assert "\n" not in "".join(made.commands)
        assert all("$(id)" not in command.split("'")[0] for command in made.commands)
    declared = yaml.safe_load(made.files["Pulumi.s.yaml"])["config"]["p:pipelines"]
    assert [entry["name"] for entry in declared.values()] == [hostile]


def test_the_program_for_the_plugin_reads_as_it_was_written(
    emulator: Emulator, api: Caller, client: GoldRushClient
) -> None:
    """`${` in SQL and names is text, secrets are references to config, and an ABI is read from its file."""
    sql = "SELECT '${x}' AS note FROM swaps"
    api.create(postgres_body(name="odd ${name}", transforms={"swaps": sql}, execution_start_from="7"))
    api.create(postgres_body(name="abi", topic="base.mainnet.ref.block.logs", transforms={}, abi_file=[EVENT]))
    made = bundle(emulator, client, "plugin")
    program = yaml.safe_load(made.files["Pulumi.yaml"])
    odd, abi = (item["properties"] for item in program["resources"].values())

    assert (odd["name"], odd["transforms"]["swaps"]) == ("odd $${name}", sql.replace("${", "$${"))
    assert odd["executionStartFrom"] == 7
    assert odd["destination"]["postgres"]["password"] == "${odd-name-password}"
    assert program["config"]["odd-name-password"] == {"type": "string", "secret": True}
    assert abi["abiFile"] == {"fn::readFile": "./abis/abi.json"}
    assert json.loads(made.files["abis/abi.json"]) == [EVENT]
    assert [item["type"] for item in json.loads(made.files["import.json"])["resources"]] == [
        "goldrush:index:Pipeline",
        "goldrush:index:Pipeline",
    ]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(("form", "told"), [("plugin", "sh set-secrets.sh"), ("import", "copy what it prints")])
def test_the_command_says_what_an_import_by_id_leaves_open(
    api: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, told: str
) -> None:
    """It holds no credentials, and says that the next preview shows them as changes."""
    api.create(name="base swaps")
    assert main(["export", "--form", form, "--out", str(tmp_path / "out")]) == ExitCode.OK
    said = capsys.readouterr().out

    assert told in said
    assert "1 credential not known, because GoldRush masks them: the preview shows exactly those as changes" in said
    assert "clear text" not in said
    assert "--secrets" not in said


EVENT = {"type": "event", "name": "Swap", "anonymous": False, "inputs": []}


def test_nothing_is_overwritten_unasked(
    emulator: Emulator, api: Caller, client: GoldRushClient, tmp_path: Path
) -> None:
    """A file that is there already stops the export; asked to, it is replaced, and made private again."""
    api.create()
    made = bundle(emulator, client)
    write_bundle(made, tmp_path)
    private = tmp_path / "import.json"
    private.chmod(0o644)
    with pytest.raises(ExportError, match="already exists"):
        write_bundle(made, tmp_path)

    write_bundle(made, tmp_path, overwrite=True)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    with pytest.raises(ExportError, match="choose another folder"):
        write_bundle(made, private)


def test_a_write_that_fails_leaves_no_credentials(
    emulator: Emulator, api: Caller, client: GoldRushClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside the import file, which nobody would look for, goes with the export that failed."""
    api.create()

    def full(_path: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ExportError, match="no space left on device"):
        write_bundle(bundle(emulator, client), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("key")
def test_command_writes_and_says_what_is_next(api: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes a project, tells the next commands, and how many credentials are not known."""
    api.create(name="base swaps")
    assert main(["export", "--out", str(tmp_path / "out")]) == ExitCode.OK
    told = capsys.readouterr().out
    assert "wrote 1 pipeline" in told
    assert "pulumi import --file import.json" in told
    assert "1 credential not known" in told

    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("base-swaps: {password: planted-password}\n", "utf-8")
    options = ["--out", str(tmp_path / "out"), "--force", "--form", "yaml", "--secrets", str(secrets), "--json"]
    assert main(["export", *options]) == ExitCode.OK
    text = capsys.readouterr().out
    report = json.loads(text)
    assert report["unknown_secrets"] == []
    assert report["pipelines"][0]["resource"] == "base-swaps"
    assert "planted-password" not in text
    assert "planted-password" in (tmp_path / "out" / "import.json").read_text("utf-8")


def test_a_qualified_stack_names_a_usable_file(
    emulator: Emulator, api: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--stack org/project/dev` writes `Pulumi.dev.yaml`, as Pulumi names the file of that stack."""
    api.create()
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
    config = {"goldrush:serviceKey": emulator.service_key, "goldrush:baseUrl": emulator.base_url}
    monkeypatch.setattr("goldrush_pulumi.cli.context.load_stack", lambda name, _: Stack(name, config, frozenset()))
    options = ["--form", "yaml", "--stack", "acme/shop/dev", "--cwd", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["export", *options]) == ExitCode.OK
    assert (tmp_path / "out" / "Pulumi.dev.yaml").is_file()


@pytest.mark.usefixtures("key", "emulator")
@pytest.mark.parametrize(
    ("options", "code", "line"),
    [
        (
            ["--name", "nobody"],
            ExitCode.NOT_FOUND,
            "error: export pipelines: none matches --name 'nobody' and is still unmanaged",
        ),
        (
            ["--form", "import", "--secrets", "{list}"],
            ExitCode.USAGE,
            "error: export pipelines: --form import imports by id and records no credentials, leave --secrets out",
        ),
        (["--secrets", "/nowhere.yaml"], ExitCode.NOT_FOUND, "error: read secrets /nowhere.yaml: no such file"),
        (["--secrets", "{list}"], ExitCode.USAGE, "error: read secrets {list}: is not a map of names"),
        (["--secrets", "{broken}"], ExitCode.NOT_FOUND, "error: read secrets {broken}: is not yaml"),
    ],
)
def test_what_goes_wrong_is_one_line(
    api: Caller, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: ExitCode, line: str
) -> None:
    """Every mistake is one line on stderr with its code, and quotes nothing of a file of secrets."""
    api.create()
    files = {"list": tmp_path / "list.yaml", "broken": tmp_path / "broken.yaml"}
    files["list"].write_text("- planted-password\n", "utf-8")
    files["broken"].write_text("a: [planted-password\n", "utf-8")
    known = {name: str(path) for name, path in files.items()}

    out = ["--out", str(tmp_path / "out")]
    assert main(["export", *out, *(option.format(**known) for option in options)]) == code
    told = capsys.readouterr().err
    assert told.startswith(line.format(**known))
    assert told.count("\n") == 1
    assert "planted-password" not in told
