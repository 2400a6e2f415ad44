"""Deploy pipelines from a Python program of your own: `python main.py up`, `preview` or `destroy`.

The Pulumi program is a function in this file, so what it needs is passed to it, and no stack config is involved.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pulumi
from pulumi import automation

import goldrush_pulumi as goldrush

LOCAL_GOLDRUSH = "http://127.0.0.1:8710/platform/pipeline-api/"
HERE = Path(__file__).resolve().parent


def declare_pipelines() -> None:
    """Declare what is to be; Pulumi calls this while it deploys."""
    swaps = goldrush.Pipeline(
        "base-swaps",
        project="deployments-dev",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url="postgresql://postgres.dev.example.com:5432/analytics",
            user="goldrush",
            password=pulumi.Output.secret(os.environ.get("PG_PASSWORD", "only-for-the-emulator")),
        ),
    )
    pulumi.export("id", swaps.id)
    pulumi.export("phase", swaps.phase)


def open_stack(name: str) -> automation.Stack:
    """The stack, made on first use. It runs this Python, and speaks to a local GoldRush unless told otherwise."""
    environment = {
        "PULUMI_PYTHON_CMD": sys.executable,
        "GOLDRUSH_BASE_URL": os.environ.get("GOLDRUSH_BASE_URL", LOCAL_GOLDRUSH),
    }
    return automation.create_or_select_stack(
        stack_name=name,
        project_name="automation-api",
        program=declare_pipelines,
        opts=automation.LocalWorkspaceOptions(work_dir=str(HERE), env_vars=environment),
    )


def main() -> int:
    """Do what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(description="Deploy the pipelines of this example.")
    parser.add_argument("verb", choices=("up", "preview", "destroy"))
    parser.add_argument("--stack", default="dev", help="stack to work on (default: %(default)s)")
    options = parser.parse_args()
    stack = open_stack(options.stack)
    try:
        getattr(stack, options.verb)(on_output=print)
    except automation.CommandError:
        # Pulumi has said why, line by line.
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
