from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.tools.project import ROOT
from tools import pulumi_build, pulumi_cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def path_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH that can hold a pulumi or a go."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The download site does not answer."""
    monkeypatch.setattr(pulumi_cli, "ends_well", lambda command, timeout_seconds: False)  # noqa: ARG005


def program(file: Path, answer: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{answer}'\n", "utf-8")
    file.chmod(0o755)
    return file


def whole_cli(folder: Path, version: str) -> Path:
    for name in pulumi_build.BINARIES:
        program(folder / name, f"v{version}")
    return folder


def test_new_enough_cli_on_path_is_taken(path_folder: Path, home: Path) -> None:
    """A CLI on PATH is used as it is, and nothing is written to the home folder."""
    whole_cli(path_folder, "3.300.1")

    assert pulumi_cli.Found(path_folder, "3.300.1") == pulumi_cli.provide(path_folder / "python")
    assert not home.exists()


@pytest.mark.parametrize(
    ("prepare", "line"),
    [
        (lambda folder: whole_cli(folder, "3.100.0"), "is 3.100.0, older than 3.254.0; looking elsewhere"),
        (lambda folder: program(folder / "pulumi", "command not supported"), "does not run; looking elsewhere"),
        (lambda folder: program(folder / "pulumi", "v3.300.1"), "has no pulumi-language-python beside it"),
    ],
)
def test_unfit_cli_on_path_is_named_and_passed_over(
    prepare: object, line: str, path_folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An old, broken or incomplete CLI on PATH costs one line, and the one that was made before is used."""
    assert callable(prepare)
    prepare(path_folder)
    version = pulumi_build.engine_version()
    made = whole_cli(home / ".pulumi" / "versions" / version / "bin", version)

    assert pulumi_cli.Found(made, version) == pulumi_cli.provide(path_folder / "python")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert line in said[0]


@pytest.mark.usefixtures("home", "no_network")
def test_without_download_and_go_one_line_says_what_to_install(path_folder: Path) -> None:
    """A machine with neither a CLI, nor a reachable download, nor Go is told what to install."""
    with pytest.raises(pulumi_build.BuildError, match="install the Pulumi CLI or Go") as caught:
        pulumi_cli.provide(path_folder / "python")

    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("home", "no_network")
def test_old_go_is_refused(path_folder: Path) -> None:
    """A Go that cannot fetch the toolchain it needs is refused before anything is fetched."""
    program(path_folder / "go", "go1.20.3")

    with pytest.raises(pulumi_build.BuildError, match=r"is go1\.20\.3; install Go 1\.21 or newer"):
        pulumi_cli.provide(path_folder / "python")


@pytest.mark.usefixtures("no_network")
def test_failed_build_says_why_and_leaves_nothing(path_folder: Path, home: Path) -> None:
    """What Go said is passed on, and no half CLI stays behind."""
    go = program(path_folder / "go", "")
    go.write_text('#!/bin/sh\n[ "$1" = env ] && { echo go1.25.0; exit; }\necho "no such host" >&2; exit 1\n', "utf-8")

    with pytest.raises(pulumi_build.BuildError, match=r"(?s)fetching the modules of .* failed.*no such host"):
        pulumi_cli.provide(path_folder / "python")

    versions = home / ".pulumi" / "versions"
    assert [f".{pulumi_build.engine_version()}.lock"] == [file.name for file in versions.iterdir()]


@pytest.mark.usefixtures("path_folder", "no_network")
def test_cli_is_built_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A built CLI lands whole in the home folder, and the next set-up takes it from there."""
    version = pulumi_build.engine_version()
    builds = []

    def build(version: str, folder: Path) -> Path:
        builds.append(folder)
        return whole_cli(folder, version)

    monkeypatch.setattr(pulumi_build, "build", build)
    first = pulumi_cli.provide(home / "python")
    second = pulumi_cli.provide(home / "python")

    assert pulumi_cli.Found(home / ".pulumi" / "versions" / version / "bin", version) == first == second
    assert sorted(pulumi_build.BINARIES) == sorted(file.name for file in first.folder.iterdir())
    assert len(builds) == 1
    assert not builds[0].exists()


def test_half_cli_is_not_taken(tmp_path: Path) -> None:
    """A folder that lacks one of the parts does not count as a CLI."""
    folder = whole_cli(tmp_path / "bin", "3.259.0")
    (folder / "pulumi-language-python-exec").unlink()

    assert pulumi_cli.complete(folder) is None


def test_an_interrupted_build_is_removed(tmp_path: Path) -> None:
    """The folder of a build that was killed does not stay for ever."""
    unfinished = tmp_path / ".making-3.259.0-dead"
    whole_cli(unfinished / "built", "3.259.0")

    with pulumi_cli.staging(tmp_path, "3.259.0") as folder:
        assert [folder] == list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_the_host_of_yaml_beside_the_cli_is_taken(tmp_path: Path, home: Path) -> None:
    """The official CLI brings it, so nothing is built and nothing is written to the home folder."""
    host = program(tmp_path / "bin" / "pulumi-language-yaml", "1.25.0")

    assert host.parent == pulumi_cli.provide_host(pulumi_build.YAML_HOST, str(host.parent))
    assert not home.exists()


def test_the_host_of_yaml_is_built_once(home: Path, path_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second set-up finds what the first one built."""
    builds: list[Path] = []

    def build(_program: pulumi_build.Program, target: Path) -> None:
        builds.append(program(target, "1.25.0"))

    monkeypatch.setattr(pulumi_build, "build_one", build)
    first, second = [pulumi_cli.provide_host(pulumi_build.YAML_HOST, str(path_folder)) for _ in range(2)]

    assert first == second == home / ".pulumi" / "versions" / "yaml-1.25.0" / "bin"
    assert [file.name for file in first.iterdir()] == ["pulumi-language-yaml"]
    assert len(builds) == 1


def test_the_hosts_of_node_and_go_share_a_folder(
    home: Path, path_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are built when they are needed, into the folder that the set-up has put on PATH already."""
    monkeypatch.setattr(pulumi_build, "build_one", lambda _program, target: program(target, "3.60.0"))
    hosts = (pulumi_build.NODE_HOST, pulumi_build.GO_HOST)
    folders = {pulumi_cli.provide_host(host, str(path_folder)) for host in hosts}

    assert folders == {pulumi_cli.host_folder(pulumi_build.GO_HOST)} == {home / ".pulumi/versions/hosts-3.60.0/bin"}
    assert {host.name for host in hosts} == {file.name for file in folders.pop().iterdir()}


@pytest.mark.parametrize(
    "folder",
    [
        "tools/pulumi-language-python",
        "tools/pulumi-language-yaml",
        "tools/pulumi-language-hosts",
        "tools/pulumi-sdk-gen",
        "examples/19-go-quickstart",
        "examples/20-go-environments",
    ],
)
def test_little_is_compiled_twice(folder: str) -> None:
    """What the engine is built from too is of the same version: else a fresh machine compiles it once more."""
    engine, own = (modules(ROOT / name / "go.mod") for name in ("tools/pulumi-cli", folder))
    shared = (own.keys() & engine.keys()) - {f"github.com/pulumi/pulumi/{part}/v3" for part in ("sdk", "pkg")}

    assert len(shared) > 30
    assert {name: own[name] for name in shared} == {name: engine[name] for name in shared}


def modules(file: Path) -> dict[str, str]:
    """The modules that a go.mod requires, with their versions."""
    return dict(re.findall(r"^\t([\w./~-]+) (v\S+)", file.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    "program",
    [
        pulumi_build.ENGINE,
        pulumi_build.LANGUAGE_HOST,
        pulumi_build.YAML_HOST,
        pulumi_build.NODE_HOST,
        pulumi_build.GO_HOST,
        pulumi_build.SDK_GENERATOR,
    ],
)
def test_what_is_built_is_locked(program: pulumi_build.Program) -> None:
    """Each program has a version, and the checksum of the module that the version names."""
    version = pulumi_build.locked_version(program)

    assert f"{program.released_with} v{version} h1:" in (program.module / "go.sum").read_text("utf-8")
