"""Where the set-up left things, and the environment in which commands of this repository run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_OLDEST = ROOT / ".venv-oldest"
# One line: the folder of the Pulumi CLI. Not a link: Pulumi warns when it finds its own plugins under a second path.
PULUMI_FOLDER_FILE = VENV / "pulumi-folder"
SAVE_LATE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""Variables of a command that saves state when it ends, and not at each step; older CLIs call that experimental."""


def with_bytecode() -> dict[str, str]:
    """This process's environment, in which Python keeps its bytecode as it does for users.

    Where it must not, each of the many processes of one run of the CLI would compile the Pulumi SDK again.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def command_path() -> str:
    """PATH for commands: the venv first, since Pulumi's Python host may run the `python3` it finds, then the CLI."""
    folders = [str(VENV / "bin")]
    if PULUMI_FOLDER_FILE.exists():
        folders.append(PULUMI_FOLDER_FILE.read_text("utf-8").strip())
    return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])


def default_interrupt() -> None:
    """Give SIGINT its default handling back; for `preexec_fn` of programs that start the Pulumi CLI.

    Shells ignore SIGINT in what they start in the background, children inherit that, and Pulumi's plugins would then
    outlive every command by the five seconds after which they are killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
