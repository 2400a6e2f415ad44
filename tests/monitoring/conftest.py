"""The programs of Prometheus, or a skip that says what to install."""

from __future__ import annotations

import pytest

from tools.prometheus import Programs, PrometheusError, find


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Where Prometheus, Alertmanager and their tools are."""
    try:
        return find()
    except PrometheusError as error:
        pytest.skip(str(error))
