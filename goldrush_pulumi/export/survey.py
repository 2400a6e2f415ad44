"""What is there: the pipelines of an account, whole, each with its phase."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import PipelineNotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from goldrush_pulumi.api import GoldRushClient, Pipeline, PipelineStatus

_THREADS: Final = 8


@dataclass(frozen=True)
class Found:
    """One pipeline as the server shows it, credentials masked, and the report of its worker."""

    pipeline: Pipeline
    status: PipelineStatus


@dataclass(frozen=True)
class Selection:
    """Which pipelines are wanted: globs, case counts, and ids to pass over because something else has them."""

    project: str = "*"
    topic: str = "*"
    name: str = "*"
    but_not: Collection[str] = ()

    def __contains__(self, pipeline: Pipeline) -> bool:
        """Whether the pipeline is wanted."""
        chosen = (
            (pipeline.project, self.project),
            (pipeline.topic, self.topic),
            (pipeline.name, self.name),
        )
        return pipeline.id not in self.but_not and all(fnmatchcase(text, glob) for text, glob in chosen)


def survey(client: GoldRushClient, selection: Selection) -> list[Found]:
    """Every pipeline of the account that is wanted, oldest first. Reads only.

    One that is deleted meanwhile is left out.

    Raises:
        GoldRushError: a request failed for good.
    """
    items = [pipeline for pipeline in client.iterate_pipelines() if pipeline in selection]
    items.sort(key=lambda pipeline: (pipeline.created_at, pipeline.id))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="goldrush-export") as pool:
        found = list(pool.map(lambda item: _look_at(client, item), items))
    return [item for item in found if item is not None]


def _look_at(client: GoldRushClient, item: Pipeline) -> Found | None:
    try:
        # What a list item leaves out is not documented; one with its destination is taken to be whole.
        whole = item if "destination_config" in item.model_fields_set else client.get_pipeline(item.id)
        return Found(whole, client.get_pipeline_status(item.id))
    except PipelineNotFound:
        return None
