"""Deploy pipelines from a Python program of your own: `python main.py up`, `preview`, `destroy` or `rollout`.

A rollout updates dev, staging and prod in this order and stops at the first failure. The Pulumi program is a function
in this file, so it needs no stack config.
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
STACKS = ("dev", "staging", "prod")
"""The stacks, in the order in which a change reaches them."""


def declare_pipelines() -> None:
    """Declare the pipelines of the selected stack. Pulumi calls this function."""
    stack = pulumi.get_stack()
    swaps = goldrush.Pipeline(
        "base-swaps",
        name=f"base-swaps-{stack}",
        project=f"deployments-{stack}",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url=f"postgresql://postgres.{stack}.example.com:5432/analytics",
            user="goldrush",
            password=pulumi.Output.secret(os.environ.get("PG_PASSWORD", "only-for-the-emulator")),
        ),
    )
    pulumi.export("id", swaps.id)
    pulumi.export("phase", swaps.phase)


def open_stack(name: str) -> automation.Stack:
    """Return a stack, created on first use, that runs this Python and uses a local GoldRush by default."""
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


def succeeds(verb: str, name: str) -> bool:
    """Run "up", "preview" or "destroy" on one stack, and return whether it succeeded."""
    try:
        getattr(open_stack(name), verb)(on_output=print)
    except automation.CommandError:
        # Pulumi has already printed the reason.
        return False
    return True


def roll_out() -> bool:
    """Update the stacks in order, and return whether all succeeded. A failure leaves the remaining stacks untouched."""
    for position, name in enumerate(STACKS):
        print(f"--- {name}")
        if not succeeds("up", name):
            rest = ", ".join(STACKS[position + 1 :])
            print(f"stopped: {name} is not as declared" + (f"; not touched: {rest}" if rest else ""))
            return False
    return True


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Deploy the pipelines of this example.")
    parser.add_argument("verb", choices=("up", "preview", "destroy", "rollout"))
    parser.add_argument("--stack", default="dev", choices=STACKS, help="stack to use; ignored by rollout")
    options = parser.parse_args()
    went_well = roll_out() if options.verb == "rollout" else succeeds(options.verb, options.stack)
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(main())
