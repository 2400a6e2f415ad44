"""What an editor shows while somebody writes a pipeline, asked of pyright's language server."""

from __future__ import annotations

import json
from subprocess import DEVNULL, PIPE, Popen
from typing import TYPE_CHECKING, Any, Self

import pytest

from goldrush_pulumi.schema.pipeline import INPUTS
from tests.typing.test_programs import ROOT
from tools.environment import command_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

PROGRAM = f"""import goldrush_pulumi as goldrush
goldrush.Pipeline("a", {", ".join(f"{name}=None" for name in INPUTS)})
goldrush.PipelineArgs(project="p", topic="t", destination_config={{}})
args: goldrush.PipelineArgsDict = {{"project": "p", "topic": "t", "destination_config": {{}}}}
"""


class Editor:
    """A language server that has one file open."""

    def __init__(self, file: Path) -> None:
        self._uri = file.as_uri()
        self._lines = file.read_text("utf-8").splitlines()
        self._asked = 0
        command = ["pyright-langserver", "--stdio"]
        environment = {"PATH": command_path(), "PYTHONPATH": str(ROOT)}
        self._server = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=ROOT, env=environment)

    def __enter__(self) -> Self:
        markdown = {"contentFormat": ["markdown"]}
        signatures = {"signatureInformation": {"documentationFormat": ["markdown"]}}
        abilities = {"textDocument": {"hover": markdown, "signatureHelp": signatures}}
        self._ask("initialize", {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": abilities})
        self._send({"method": "initialized", "params": {}})
        text = "\n".join(self._lines)
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def at(self, method: str, line: int, word: str) -> Any:
        """Ask about the place of a word in a line, counted from 0."""
        place = {"line": line, "character": self._lines[line].index(word) + 1}
        return self._ask(f"textDocument/{method}", {"textDocument": {"uri": self._uri}, "position": place})

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._asked and "method" not in message:
                return message.get("result")
            if "method" in message and "id" in message:
                # Its questions about settings are answered with none.
                settings: list[Any] | None = (
                    [{}] * len(message["params"].get("items", [])) if message.get("params") else None
                )
                self._send({"id": message["id"], "result": settings})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._server.stdout
        length = 0
        while header := self._server.stdout.readline().strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._server.stdout.read(length))
        return message


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """An editor with the program open."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, "utf-8")
    with Editor(file) as opened:
        yield opened


def test_signature_help_explains_every_keyword(editor: Editor) -> None:
    """While a call in the keyword form is written, the keyword at the cursor is shown with its whole text."""
    for row in INPUTS.values():
        signatures = editor.at("signatureHelp", 1, f"{row.name}=")["signatures"]
        shown = [item["documentation"]["value"] for item in signatures[-1]["parameters"]]
        assert any(text.startswith(f"{row.name}: {row.description.removesuffix('.')}") for text in shown), row.name


def test_hovering_explains_arguments_and_keys(editor: Editor) -> None:
    """The fields of `PipelineArgs` and the keys of its dict show their texts when the pointer rests on them."""
    text = INPUTS["topic"].description.partition(",")[0]
    for line in (2, 3):
        assert text in editor.at("hover", line, "topic")["contents"]["value"], line
