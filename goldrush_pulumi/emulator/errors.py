"""What can go wrong in the store, free of HTTP; the application gives each its status code."""

from __future__ import annotations


class StoreError(Exception):
    """A request that the store turns down; its text is what the caller reads."""


class PipelineNotFoundError(StoreError):
    """The pipeline does not exist, or the account may not know that it does."""


class PipelineForbiddenError(StoreError):
    """The pipeline exists and belongs to another account."""


class InvalidPipelineError(StoreError):
    """The request body breaks a rule; the text names every problem by its path."""
