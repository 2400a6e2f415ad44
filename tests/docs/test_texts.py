from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from goldrush_pulumi.api import DestinationHealth, PipelineLogs, PipelineStatus, PodLogs
from goldrush_pulumi.cli.app import COMMANDS
from goldrush_pulumi.operations.diagnosis import Subject, diagnose
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.operations.wait import WaitEnd, WaitOutcome
from tests.docs.documents import EXAMPLES, ROOT, anchors, blocks, documents, link_targets, pictures, prose_lines
from tools.pictures import FOLDER, SIZES

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = documents()
LONGEST_README = 150
PIPELINE_ID = "pipe_7527c36282298e7d8a369c1f1a9"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


class TroubledApi:
    """Answers as GoldRush does for a pipeline whose destination refuses the password."""

    def get_destination_health(self, *_: Any, **__: Any) -> DestinationHealth:
        return DestinationHealth(healthy=False, last_error="connection refused: db.example.com:5432")

    def get_pipeline_logs(self, *_: Any, **__: Any) -> PipelineLogs:
        lines = (
            "INFO Worker starts: base.mainnet.ref.block.swap.v3 to postgres\n"
            'ERROR Sink open failed: FATAL: password authentication failed for user "goldrush" (hunter23)\n'
        )
        pod = PodLogs(pod="pipeline-covalent-postgres-pipe-7527c36282298e7d8a369c1f1ak5lh7", logs=lines)
        return PipelineLogs(pods=[pod])


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    """Every link between files leads to a file that exists, and to a heading in it where it names one."""
    for target in link_targets(path):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        assert other.exists(), target
        assert not anchor or anchor in anchors(other), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_one_sentence_a_line(path: Path) -> None:
    """A sentence of a paragraph has a line of its own, so that changes are easy to review."""
    assert [] == [line for line in prose_lines(path) if re.search(r"[a-z)`][.!?] [A-Z`]", line)]


def test_readme_stays_short() -> None:
    """The README is read in one go."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= LONGEST_README


def test_every_example_is_listed() -> None:
    """The overview of the examples names each folder, and each has a README of its own."""
    targets = link_targets(ROOT / "examples" / "README.md")

    assert [f"{folder.name}/README.md" for folder in EXAMPLES] == [
        target for target in targets if re.match(r"\d", target)
    ]


def test_failure_message_is_the_real_one() -> None:
    """The failure that README and operations show is, word for word, what the diagnosis writes."""
    status = PipelineStatus(phase="FAILED", ready=0, replicas=1)
    outcome = WaitOutcome(WaitEnd.FAILED, 24.0, status)
    subject = Subject("base-swaps", PIPELINE_ID, "dev")
    message = diagnose(subject, outcome, cast("Any", TroubledApi()), Redactor({"hunter23"}))
    shown = f"error: 1 error occurred:\n    * {message}\n"

    texts = [block.text for block in blocks("text") if "is FAILED after" in block.text]
    assert [shown, shown] == texts


def test_every_command_has_its_pictures() -> None:
    """The page of the command line shows each command at 80 by 24 and leads to 200 by 50; no other picture is there."""
    page = ROOT / "docs" / "command-line.md"
    wanted = {f"pictures/{name}-{columns}x{lines}.svg" for name in COMMANDS for columns, lines in SIZES}

    assert wanted == {f"pictures/{path.name}" for path in FOLDER.iterdir()}
    assert wanted == {target for target in link_targets(page) if target.startswith("pictures/")}
    assert wanted - {name for name in wanted if "200x50" in name} == set(pictures(page))


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_pictures_are_of_no_machine(path: Path) -> None:
    """A picture is small, loads nothing from elsewhere, and shows no folder of the machine that made it."""
    text = path.read_text("utf-8")

    assert len(text) < 40_000
    assert {"http://www.w3.org/2000/svg"} == {
        found
        for found in re.findall(r"https?://[^\s\"'<)]+", text)
        if not re.search(r"127\.0\.0\.1|example\.com", found)
    }
    assert not re.search(r"@import|@font-face|<image|/tmp/|/home/|/root/", text)
