import * as goldrush from "@goldrush/pulumi";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();

const swaps = new goldrush.Pipeline("base-swaps", {
    project: "analytics-dev",
    description: "Uniswap v3 swaps on Base",
    topic: "base.mainnet.ref.block.swap.v3",
    destination: {
        postgres: {
            url: "postgresql://postgres.dev.example.com:5432/analytics",
            user: "goldrush",
            password: config.requireSecret("pgPassword"),
        },
    },
    transforms: {
        swaps: `
            SELECT chain_name, block_height, tx_hash, pair_address, token0, token1
            FROM swaps
            WHERE protocol = 'uniswap_v3'
        `,
    },
    executionStartFrom: 44_745_000,
});

export const id = swaps.id;
export const phase = swaps.phase;
