"""The plugin for `pulumi package add`, which finds this folder in a git repository and runs it with Python."""

import importlib.util
import os
import sys
from pathlib import Path

if importlib.util.find_spec("goldrush_pulumi") is None:
    # Older language hosts install the requirements into this folder, and start the plugin without them.
    python = next((path for path in Path(__file__).parent.glob("**/bin/python")), None)
    if python is None or os.environ.get("GOLDRUSH_PLUGIN_STARTED"):
        sys.exit("start the goldrush plugin: goldrush-pulumi is not installed; run `pulumi install` in this folder")
    os.environ["GOLDRUSH_PLUGIN_STARTED"] = "1"
    os.execv(python, [str(python), *sys.argv])  # noqa: S606 - the same program, in its own environment

from goldrush_pulumi.plugin.__main__ import main

main()
