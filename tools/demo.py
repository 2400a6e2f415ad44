"""`make demo`: the root program against a local GoldRush, from nothing to live pipelines, a failure, and down again.

Everything it makes lies in `.demo/`, which git ignores: the state of the stack, and a copy of `Pulumi.dev.yaml` that
names the port on which the emulator happens to listen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass

from tools.environment import ROOT, command_path, default_interrupt
from tools.terminal import say

FOLDER = ROOT / ".demo"
STACK = "dev"
PASSPHRASE = "goldrush-dev"  # noqa: S105 - documented in Pulumi.dev.yaml, opens sample values only
SERVICE_KEY = "goldrush-dev-key"
DEPLOY_SECONDS = 4
BROKEN = "broken-swaps"
_ENDED_BY_INTERRUPT = 130


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Emulator:
    """A local GoldRush in a process of its own, so that it can outlive the demo."""

    process: subprocess.Popen[str]
    base_url: str
    admin_url: str

    @classmethod
    def start(cls) -> Emulator:
        """Start one on a free port.

        Raises:
            DemoError: it did not come up.
        """
        command = [sys.executable, "-m", "goldrush_pulumi.emulator", "--port", "0", "--service-key", SERVICE_KEY]
        command += ["--deploy-seconds", str(DEPLOY_SECONDS)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        said = [process.stdout.readline().strip() for _ in range(2)] if process.stdout else []
        urls = [line.rpartition(" ")[2] for line in said]
        if process.poll() is not None or not all(url.startswith("http://127.0.0.1:") for url in urls):
            process.kill()
            raise DemoError("start emulator: it did not come up; run `python -m goldrush_pulumi.emulator` to see why")
        return cls(process, *urls)

    def will_fail(self, pipeline: str) -> None:
        """Decide that the worker of `pipeline` will not get into its database."""
        script = {
            "name": pipeline,
            "outcome": "FAILED",
            "until": "patched",
            "health_error": "connection refused: postgres.dev.example.com:5432",
            "logs": ['ERROR Sink open failed: FATAL: password authentication failed for user "goldrush"'],
        }
        request = urllib.request.Request(  # noqa: S310 - the URL is the emulator's own, on loopback
            f"{self.admin_url.rstrip('/')}/script/",
            data=json.dumps(script).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()  # noqa: S310 - as above

    def stop(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Stack:
    """The stack `dev` of the root program, with its state and its config in `.demo/`."""

    def __init__(self, base_url: str) -> None:
        self._config_file = FOLDER / f"Pulumi.{STACK}.yaml"
        shutil.rmtree(FOLDER, ignore_errors=True)
        (FOLDER / "state").mkdir(parents=True)
        shutil.copy(ROOT / self._config_file.name, self._config_file)
        self.run("stack", "init", STACK, quiet=True)
        self.set("goldrush:baseUrl", base_url)
        self.set("goldrush:failedGraceSeconds", "2")

    @staticmethod
    def variables() -> dict[str, str]:
        """What the CLI needs to find the state of the demo."""
        return {"PULUMI_BACKEND_URL": f"file://{FOLDER / 'state'}", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}

    def set(self, key: str, value: str, *options: str) -> None:
        """Set a config value, in the copy."""
        self.run("config", "set", *options, "--stack", STACK, "--config-file", str(self._config_file), key, value)

    def declare_broken(self) -> None:
        """Declare one more pipeline, like those of the stack."""
        path = f"goldrush-pipelines:pipelines.{BROKEN}"
        fields = {
            "project": "analytics-dev",
            "topic": "base.mainnet.ref.block.swap.v3",
            "destination_config.type": "postgres",
            "destination_config.url": "postgresql://postgres.dev.example.com:5432/analytics",
            "destination_config.user": "goldrush",
        }
        for name, value in fields.items():
            self.set(f"{path}.{name}", value, "--path")
        self.set(f"{path}.destination_config.password", "not-the-password", "--path", "--secret")

    def change(self, verb: str, *options: str, expect: int = 0) -> None:
        """Run `pulumi up` or `pulumi destroy` in sight of the user.

        Raises:
            DemoError: it ended otherwise than expected.
        """
        say(f"\n$ pulumi {' '.join([verb, *options])}")
        self.run(verb, "--yes", *options, "--stack", STACK, "--config-file", str(self._config_file), expect=expect)

    def run(self, *arguments: str, expect: int = 0, quiet: bool = False) -> None:
        """Run the CLI in the root of the repository.

        Raises:
            DemoError: it ended otherwise than expected.
        """
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GOLDRUSH_")}
        environment |= {"PATH": command_path(), "PULUMI_SKIP_UPDATE_CHECK": "true", **self.variables()}
        ended = subprocess.run(
            ["pulumi", *arguments],
            cwd=ROOT,
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL if quiet else None,
            preexec_fn=default_interrupt,
        )
        if ended.returncode != expect:
            raise DemoError(f"run pulumi {arguments[0]}: it ended with {ended.returncode} and not with {expect}")


def show(stack: Stack, emulator: Emulator) -> None:
    """Everything but the end: up, nothing to do, a failure."""
    say("\n== 1. Six pipelines, one for each kind of destination, come up. The answer comes when they are live.")
    stack.change("up", "--skip-preview", "--suppress-outputs")
    say("\n== 2. Nothing was changed, so nothing is done.")
    stack.change("up", "--skip-preview", "--suppress-outputs", "--expect-no-changes")
    say("\n== 3. One more pipeline, whose database will not let it in. This is what you are told:")
    emulator.will_fail(BROKEN)
    stack.declare_broken()
    stack.change("up", "--skip-preview", "--suppress-outputs", expect=1)


def take_down(stack: Stack, emulator: Emulator) -> None:
    """Delete what was made."""
    say("\n== 4. The failed pipeline was recorded like the others, so all of them can be taken down.")
    stack.change("destroy", "--skip-preview")
    emulator.stop()
    shutil.rmtree(FOLDER)
    say("\nThat was the whole life of a stack. `make demo KEEP=1` leaves it up for you to try things.")


def leave_up(stack: Stack, emulator: Emulator) -> None:
    """Say what can be done with what is left running."""
    exports = {**stack.variables(), "PATH": command_path()}
    lines = [
        f"\nLeft running: the emulator at {emulator.base_url} (process {emulator.process.pid}) and the stack {STACK}.",
        "To try things, in this folder:",
        *(f"  export {name}='{value}'" for name, value in exports.items()),
        f"  alias p='pulumi --stack {STACK} --config-file {FOLDER.name}/Pulumi.{STACK}.yaml'",
        "  p up          # sends the failed pipeline again, and this time it comes up",
        f"  p config set --path 'goldrush-pipelines:pipelines.{BROKEN}.status' paused && p up",
        "  p refresh     # after a change at the emulator's admin API",
        "  p destroy",
        f"  kill {emulator.process.pid}    # ends the emulator",
    ]
    say("\n".join(lines))


def main() -> int:
    """Run the demo; answer the exit code."""
    parser = argparse.ArgumentParser(description="Bring pipelines up on a local GoldRush and take them down again.")
    parser.add_argument("--keep", action="store_true", help="leave the emulator and the stack up")
    keep = parser.parse_args().keep
    emulator = None
    try:
        emulator = Emulator.start()
        stack = Stack(emulator.base_url)
        show(stack, emulator)
        (leave_up if keep else take_down)(stack, emulator)
    except DemoError as error:
        say(f"error: {error}")
        return _abandon(emulator, 1)
    except KeyboardInterrupt:
        return _abandon(emulator, _ENDED_BY_INTERRUPT)
    return 0


def _abandon(emulator: Emulator | None, code: int) -> int:
    if emulator is not None:
        emulator.stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
