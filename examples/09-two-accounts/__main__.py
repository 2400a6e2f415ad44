"""The swaps of Base for two GoldRush accounts: the stack's own and a partner's."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush

config = pulumi.Config()

partner = goldrush.Provider(
    "partner",
    service_key=config.require_secret("partnerServiceKey"),
    # An explicit provider ignores the stack's goldrush:* config, so pass it the endpoint too.
    base_url=pulumi.Config("goldrush").get("baseUrl"),
)


def swaps(
    name: str, host: str, password: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
) -> goldrush.Pipeline:
    """Declare a pipeline that writes the swaps of Base to the database of one account."""
    return goldrush.Pipeline(
        name,
        opts,
        project="swaps-dev",
        description=f"Swaps on Base for {host}",
        topic="base.mainnet.ref.block.swap.v3",
        destination_config=goldrush.PostgresDestinationArgs(
            url=f"postgresql://{host}:5432/analytics",
            user="goldrush",
            password=password,
        ),
    )


own = swaps("own-swaps", "postgres.dev.example.com", config.require_secret("pgPassword"))
theirs = swaps(
    "partner-swaps",
    "postgres.partner.example.com",
    config.require_secret("partnerPgPassword"),
    pulumi.ResourceOptions(provider=partner),
)

pulumi.export("groups", {"own": own.group_id, "partner": theirs.group_id})
