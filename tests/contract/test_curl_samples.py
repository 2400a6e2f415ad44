"""The end-to-end example of the API overview, run by the real curl with only host, key and id replaced."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.conftest import Service

HOST = "https://api.covalenthq.com"
SAMPLE_ID = "pipe_3e8678c5fc9e48a7bf9879ca729"

LIST = r"""
curl https://api.covalenthq.com/platform/pipeline-api/ \
  -H "Authorization: Bearer $GOLDRUSH_SERVICE_KEY"
"""
CREATE = r"""
curl https://api.covalenthq.com/platform/pipeline-api/ \
  -X POST \
  -H "Authorization: Bearer $GOLDRUSH_SERVICE_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Base swaps to Postgres",
    "project": "analytics-prod",
    "description": "Uniswap v3 swaps on Base, unbounded",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_type": "postgres",
    "destination_config": {
      "type": "postgres",
      "url": "postgresql://db.example.com:5432/analytics",
      "user": "goldrush",
      "password": "REDACTED"
    },
    "transforms": {
      "swaps": "SELECT chain_name, block_height, tx_hash, protocol, pair_address, token0, token1 FROM swaps WHERE protocol = '\''uniswap_v3'\''"
    },
    "execution_mode": "unbounded",
    "execution_start_from": "44745000"
  }'
"""  # noqa: E501 - the sample as it is published
STATUS = r"""
curl https://api.covalenthq.com/platform/pipeline-api/pipe_3e8678c5fc9e48a7bf9879ca729/status/ \
  -H "Authorization: Bearer $GOLDRUSH_SERVICE_KEY"
"""
PAUSE = r"""
curl https://api.covalenthq.com/platform/pipeline-api/pipe_3e8678c5fc9e48a7bf9879ca729/ \
  -X PATCH \
  -H "Authorization: Bearer $GOLDRUSH_SERVICE_KEY" \
  -H "Content-Type: application/json" \
  -d '{"status": "paused"}'
"""


def _run(sample: str, service: Service, pipeline_id: str = SAMPLE_ID) -> Any:
    host = service.base_url.removesuffix("/platform/pipeline-api/")
    command = sample.replace(HOST, host).replace(SAMPLE_ID, pipeline_id)
    environment = {"PATH": os.environ["PATH"], "GOLDRUSH_SERVICE_KEY": service.service_key, "NO_PROXY": "*"}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=True, timeout=30)
    return json.loads(done.stdout)


def test_the_overview_example_runs_from_create_to_pause(service: Service) -> None:
    """Create, wait for RUNNING with all replicas ready, and pause, by the published commands."""
    service.require_emulator()
    created = _run(CREATE, service)
    assert created["error"] is False
    pipeline_id = created["data"]["id"]
    status = _run(STATUS, service, pipeline_id)["data"]
    assert (status["status"], status["ready"]) == ("RUNNING", status["replicas"])
    assert created["data"]["transforms"]["swaps"].endswith("WHERE protocol = 'uniswap_v3'")
    assert _run(PAUSE, service, pipeline_id)["data"]["status"] == "paused"
    assert _run(STATUS, service, pipeline_id)["data"]["status"] == "PAUSED"


def test_the_authentication_example_lists(service: Service) -> None:
    """The published list command returns items and pagination."""
    response = _run(LIST, service)
    assert response["error"] is False
    assert set(response["data"]) >= {"items", "pagination"}
