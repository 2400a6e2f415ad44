"""Bring existing pipelines under Pulumi: write a program that declares them, and an import file that records them.

Nothing here changes anything on GoldRush: the requests are the list, each pipeline and its status. The API masks
credentials, so somebody gives them (see `credentials`), or the recorded state holds `UNKNOWN_SECRET` in their place;
the first preview then shows exactly those leaves as one change of each pipeline.
"""

from __future__ import annotations

from goldrush_pulumi.export.bundle import Bundle, ExportError, make_bundle, write_bundle
from goldrush_pulumi.export.credentials import (
    UNKNOWN_SECRET,
    Leaf,
    Source,
    first_of,
    from_environment,
    from_file,
    from_stack_config,
)
from goldrush_pulumi.export.survey import Declared, Found, declare, survey

__all__ = [
    "UNKNOWN_SECRET",
    "Bundle",
    "Declared",
    "ExportError",
    "Found",
    "Leaf",
    "Source",
    "declare",
    "first_of",
    "from_environment",
    "from_file",
    "from_stack_config",
    "make_bundle",
    "survey",
    "write_bundle",
]
