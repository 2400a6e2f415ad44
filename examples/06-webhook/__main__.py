"""Large transfers on Base sent to a webhook, with the destination as a dict and a health check in `pulumi up`."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

alerts = goldrush.Pipeline(
    "base-transfer-alerts",
    project="alerts-dev",
    description="Large transfers on Base",
    topic="base.mainnet.ref.block.transfers",
    destination_config={
        "type": "webhook",
        "url": "https://alerts.dev.example.com/transfers",
        "headers": {"Authorization": pulumi.Output.concat("Bearer ", config.require_secret("alertsToken"))},
        "retry": {"max_attempts": 5, "backoff_ms": 500},
    },
    transforms={"transfers": "SELECT * FROM transfers WHERE value > 1000000"},
    status="paused" if config.get_bool("paused") else "running",
    wait_for="healthy",
)

pulumi.export("id", alerts.id)
pulumi.export("phase", alerts.phase)
