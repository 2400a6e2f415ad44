from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, TypeAlias

import pytest
import yaml

from goldrush_pulumi.validation.files import Report, validate_files

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
SWAPS = """\
project: analytics
topic: base.mainnet.ref.block.swap.v3
destination_config:
  type: postgres
  url: postgresql://db.example.com/d
  user: goldrush
  password: planted-password
"""
Write: TypeAlias = "Callable[[str, str], Path]"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and return its path."""

    def write_text(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def said(report: Report) -> list[tuple[int, str, str]]:
    """Line, severity and path of each finding."""
    return [(finding.line, finding.problem.severity, finding.problem.path) for finding in report.findings]


def test_the_stack_files_of_this_repository_are_right() -> None:
    """Nothing is wrong with the stacks that come with the project, whose secrets are encrypted."""
    report = validate_files(sorted(ROOT.glob("Pulumi.*.yaml")))

    assert said(report) == []
    assert not report.fails()
    assert report.tables[f"{ROOT / 'Pulumi.dev.yaml'}:hypercore-fills"] == ("hl_fills",)


def test_problems_of_a_stack_file_have_their_lines(write: Write) -> None:
    """Every problem stands at the line of its key, or of the key around what is missing."""
    text = """\
encryptionsalt: v1:abc
config:
  goldrush:baseUrl: http://127.0.0.1:8710/
  my:pipelines:
    base-swaps:
      project: analytics
      topic: base.mainnet.ref.block.swap.v3
      protect: "yes"
      transforms:
        swaps: >-
          SELECT tx_hash
          FROM swaps ORDER BY tx_hash
      destination_config:
        type: postgres
        url: postgresql://db.example.com/d
        password:
          secure: v1:abc
        batch_size: 0
    odd name:
      - a list
"""
    report = validate_files([write("Pulumi.dev.yaml", text)])

    assert said(report) == [
        (8, "error", "pipelines.base-swaps.protect"),
        (10, "error", 'pipelines.base-swaps.transforms["swaps"]'),
        (13, "error", "pipelines.base-swaps.destination_config.user"),
        (18, "error", "pipelines.base-swaps.destination_config.batch_size"),
        (19, "error", 'pipelines["odd name"]'),
    ]
    assert report.fails()


def test_a_finding_reads_as_compilers_write(write: Write) -> None:
    """File, line, severity, path, what is wrong, what would be right; no value."""
    file = write("swaps.yaml", SWAPS.replace("user:", "usr:"))
    first, second = map(str, validate_files([file]).findings)

    assert first == f"{file}:3: error[GR102]: destination_config.user: is missing, a postgres destination needs it"
    assert second.startswith(
        f"{file}:6: error[GR101]: destination_config.usr: is not a field of a postgres destination"
    )
    assert "planted" not in first + second


def test_json_is_read_with_tabs_and_lines(write: Write) -> None:
    """A pipeline in JSON has lines too, however it is indented."""
    whole = {**yaml.safe_load(SWAPS), "status": "on"}
    report = validate_files([write("swaps.json", json.dumps(whole, indent="\t"))])

    assert said(report) == [(10, "error", "status")]
    assert json.loads(json.dumps(report.as_dict()))["findings"][0]["path"] == "status"


def test_several_pipelines_without_a_stack(write: Write) -> None:
    """A map with `pipelines` needs nothing of a stack around it."""
    text = "pipelines:\n  a:\n" + SWAPS.replace("\n", "\n    ").join(["    ", ""]).rstrip() + "\n    statuss: on\n"

    assert said(validate_files([write("all.yaml", text)])) == [(10, "error", "pipelines.a.statuss")]


def test_a_warning_fails_nothing(write: Write) -> None:
    """Warnings are found and fail nothing, unless they are to be taken strictly."""
    report = validate_files([write("a.yaml", "execution_stop_from: ''\nexecution_mode: bounded\n" + SWAPS)])

    assert said(report) == [(1, "warning", "execution_stop_from")]
    assert not report.fails()
    assert report.fails(strict=True)


def test_a_stack_whose_program_is_code_is_fine(write: Write) -> None:
    """A stack file without pipelines is only noted, however strict; a ServiceKey in clear text is found there too."""
    without = validate_files([write("Pulumi.dev.yaml", "config:\n  shop:region: eu\n")])
    assert said(without) == [(1, "note", "Pulumi.dev.yaml")]
    assert not without.fails(strict=True)

    clear = validate_files([write("Pulumi.prod.yaml", "config:\n  shop:region: eu\n  goldrush:serviceKey: planted\n")])
    assert said(clear) == [(1, "note", "Pulumi.prod.yaml"), (3, "warning", 'config["goldrush:serviceKey"]')]
    assert clear.fails(strict=True)


def test_credentials_in_clear_text_are_found(write: Write) -> None:
    """In a stack file a credential or ServiceKey in clear is a warning; encrypted ones and placeholders are none."""
    text = """\
config:
  goldrush:serviceKey: planted
  my:pipelines:
    clear: &swaps
      project: analytics
      topic: base.mainnet.ref.block.swap.v3
      destination_config: &config
        type: postgres
        url: postgresql://db.example.com/d
        user: goldrush
        password: planted
    "odd name":
      <<: *swaps
      destination_config:
        <<: *config
        password:
          secure: v1:abc
        url: postgresql://goldrush:planted@db.example.com/d
    placeholder:
      <<: *swaps
      destination_config:
        <<: *config
        password: ${PG_PASSWORD}
"""
    report = validate_files([write("Pulumi.dev.yaml", text)])

    assert said(report) == [
        (2, "warning", 'config["goldrush:serviceKey"]'),
        (11, "warning", "pipelines.clear.destination_config.password"),
        (18, "warning", 'pipelines["odd name"].destination_config.url'),
    ]
    place = "pipelines.clear.destination_config.password"
    assert report.findings[1].problem.hint == f"encrypt it with `pulumi config set --secret --path '{place}'`"
    assert "planted" not in "".join(map(str, report.findings))


def test_clear_text_outside_of_stacks_is_fine(write: Write) -> None:
    """A file that is no stack's has no way to encrypt, so its credentials are not warned of."""
    assert said(validate_files([write("swaps.yaml", SWAPS)])) == []


def test_merged_maps_may_be_overridden(write: Write) -> None:
    """A key beside `<<` takes the place of the merged one; one that really stands twice is found, and once."""
    text = "pipelines:\n  a: &a\n" + "".join(f"    {line}\n" for line in SWAPS.splitlines())
    text += "  b:\n    <<: *a\n    project: other\n  c: *a\n"

    assert said(validate_files([write("merged.yaml", text)])) == []
    twice = validate_files([write("twice.yaml", text + "  d:\n    <<: *a\n    status: paused\n    status: running\n")])
    assert said(twice) == [(17, "error", "pipelines.d.status")]


def test_an_abi_is_read_beside_its_file(write: Write) -> None:
    """`abi_file` is a path relative to the file; its problems stand at that line, and it names the tables."""
    write("abi.json", json.dumps([{"type": "event", "name": "TokenSold", "inputs": [{"type": "uint9"}]}]))
    text = SWAPS.replace("swap.v3", "logs") + "abi_file: abi.json\n"
    file = write("logs.yaml", text)
    report = validate_files([file])

    assert said(report) == [(8, "error", "abi_file[0].inputs[0].type")]


def test_the_tables_of_an_abi_are_shown(write: Write) -> None:
    """The report names the tables that decoded events are written to."""
    event = '[{"type": "event", "name": "TokenSold", "inputs": []}]'
    file = write("logs.yaml", SWAPS.replace("swap.v3", "logs") + f"abi_file: {event}\n")

    assert validate_files([file]).tables == {f"{file}:pipeline": ("base_evt_token_sold", "raw_logs")}


@pytest.mark.parametrize(
    ("name", "text", "line", "fragment"),
    [
        ("a.yaml", "a: 1\nb: c: d\n", 2, "is not YAML"),
        ("a.yaml", "a: !!python/object:os.system x\n", 1, "holds a value that cannot be read"),
        ("a.json", '{"a": 1,\n"b"}', 2, "is not JSON"),
        ("a.json", "[" * 100_000, 1, "is not JSON that can be read"),
        ("a.yaml", "a: " + "[" * 5000 + "]" * 5000, 1, "too deep a nesting"),
        ("a.yaml", "[" * 1_000_000, 1, "too deep a nesting"),
        ("a.yaml", "".join(f"{' ' * depth}a:\n" for depth in range(300)), 101, "too deep a nesting"),
        ("a.yaml", "a: &a [*a]\n", 1, "too deep a nesting"),
        ("a.yaml", "a: &a\n  <<: 5\n", 1, "merges what cannot be merged"),
        ("a.yaml", "a: &a\n  <<: *a\n", 1, "holds no pipelines"),
        ("a.yaml", "a: [*b]\n", 1, "is not YAML"),
        ("a.yaml", "\x00\x01", 1, "is not YAML"),
        ("a.yaml", "", 1, "holds no pipelines"),
        ("a.yaml", "hello", 1, "holds no pipelines"),
        ("a.yaml", "config:\n  a:b: c\n", 1, "declares no pipelines"),
        ("a.yaml", "config:\n  a:pipelines: [1]\n", 2, "is not a map"),
        ("a.yaml", "pipelines: 3\n", 1, "is not a map"),
        pytest.param(
            "a.yaml",
            "x: &x [1]\ny: &y [" + "*x," * 1000 + "]\nz: [" + "*y," * 1000 + "]\n",
            1,
            "holds too much",
            marks=pytest.mark.untraced,
        ),
    ],
    ids=range(18),
)
def test_files_that_hold_no_pipelines(write: Write, name: str, text: str, line: int, fragment: str) -> None:
    """A file that cannot be read, or is none of pipelines, is one finding with what is known of its line."""
    (finding,) = validate_files([write(name, text)]).findings

    assert fragment in finding.problem.message
    assert finding.line == line


def test_a_folder_and_a_binary_file_are_findings(tmp_path: Path) -> None:
    """What is no text is one line each."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    report = validate_files([tmp_path, tmp_path / "binary.yaml"])

    assert [finding.problem.message for finding in report.findings] == [
        "cannot be read: Is a directory",
        "is not text in UTF-8",
    ]


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    """A file that is not there fails, and the next is judged all the same."""
    report = validate_files([tmp_path / "none.yaml", ROOT / "Pulumi.dev.yaml"])

    assert [finding.problem.message for finding in report.findings] == ["cannot be read: No such file or directory"]
    assert report.fails()
    assert report.tables


def test_a_key_that_stands_twice_is_an_error(write: Write) -> None:
    """YAML would take the last one without a word."""
    report = validate_files([write("a.yaml", SWAPS + "topic: base.mainnet.ref.block.blocks\n")])

    assert said(report) == [(8, "error", "topic")]


def test_an_encrypted_map_of_pipelines_is_passed_over(write: Write) -> None:
    """What only the stack's key opens is not judged, and no fault."""
    report = validate_files([write("Pulumi.x.yaml", "config:\n  a:pipelines:\n    secure: v1:abc\n")])

    assert (said(report), report.fails()) == ([], False)


def test_validation_of_files_needs_no_pulumi() -> None:
    """Judging files loads neither Pulumi nor an HTTP client."""
    code = (
        "import sys; from pathlib import Path; from goldrush_pulumi.validation.files import validate_files;"
        "validate_files([Path('Pulumi.dev.yaml')]); print(sorted({'pulumi', 'httpx', 'grpc'} & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "[]"


def test_the_hook_runs_the_command_on_stack_files() -> None:
    """The pre-commit hook names the command of this package and selects stack files, not the project's own file."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))

    assert hook["entry"] == "goldrush-pulumi validate"
    assert [
        bool(re.search(hook["files"], name)) for name in ("Pulumi.dev.yaml", "infra/Pulumi.a.yml", "Pulumi.yaml")
    ] == [
        True,
        True,
        False,
    ]
