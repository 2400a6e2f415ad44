import * as goldrush from "@goldrush/pulumi";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const stack = pulumi.getStack();

const destination = {
    postgres: {
        url: `postgresql://${config.require("pgHost")}:5432/analytics`,
        user: "goldrush",
        password: config.requireSecret("pgPassword"),
        batchSize: config.getNumber("batchSize") ?? 1000,
    },
};
const status = config.get<goldrush.types.enums.DesiredStatus>("status") ?? "running";
const options = { customTimeouts: { create: "20m", update: "20m" } };

const swaps = new goldrush.Pipeline("swaps", {
    name: `swaps-${stack}`,
    project: `analytics-${stack}`,
    topic: "base.mainnet.ref.block.swap.v3",
    destination,
    status,
}, options);

const transfers = new goldrush.Pipeline("transfers", {
    name: `transfers-${stack}`,
    project: `analytics-${stack}`,
    description: pulumi.interpolate`Runs after ${swaps.name}, into the same database`,
    topic: "base.mainnet.ref.block.transfers",
    destination,
    status,
}, options);

export const phases = { swaps: swaps.phase, transfers: transfers.phase };
