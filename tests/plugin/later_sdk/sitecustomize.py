"""Python imports this before the host: with this folder on PYTHONPATH, the host is one of a later SDK."""

from __future__ import annotations

import os

from tests.plugin import sabotage

sabotage.apply(os.environ[sabotage.VARIABLE])
