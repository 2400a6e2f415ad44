"""Finding a pipeline again by its mark, when nobody knows its id or whether it exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError
from goldrush_pulumi.deployment.census import list_once
from goldrush_pulumi.deployment.ownership import Mark

if TYPE_CHECKING:
    from goldrush_pulumi.api import Pipeline
    from goldrush_pulumi.deployment.job import Job

_PAUSE_SECONDS: Final = 2.0


def look_for_mark(job: Job, mark: Mark, seconds: float) -> Pipeline | None:
    """Look again and again, for so many seconds; None when no pipeline with the mark appeared, or when cancelled."""
    started = job.clock.now()
    while True:
        found = _find_marked(job, mark)
        if found is not None:
            return found
        if job.clock.now() - started >= seconds or job.clock.sleep(_PAUSE_SECONDS):
            return None


def _find_marked(job: Job, mark: Mark) -> Pipeline | None:
    """The one new pipeline that carries `mark`, as the server has it now."""
    try:
        listing = list_once(job.client)
        items = () if listing is None else listing.pipelines
        new = [item for item in items if not job.ledger.has_seen(item.id)]
        whole = [job.client.get_pipeline(item.id) for item in new if _may_carry(item, mark)]
    except GoldRushError:
        # It is looked for again: whatever lost the answer may still be going on.
        return None
    ours = [item for item in whole if Mark.found_in(item.description) == mark]
    return ours[0] if len(ours) == 1 else None


def _may_carry(item: Pipeline, mark: Mark) -> bool:
    return "description" not in item.model_fields_set or Mark.found_in(item.description) == mark
