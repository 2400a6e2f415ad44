// Uniswap v3 swaps on Base in PostgreSQL.
package main

import (
	"goldrush/sdk/go/goldrush"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

const swapsOfUniswap = `
	SELECT chain_name, block_height, tx_hash, pair_address, token0, token1
	FROM swaps
	WHERE protocol = 'uniswap_v3'
`

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		swaps, err := goldrush.NewPipeline(ctx, "base-swaps", &goldrush.PipelineArgs{
			Project:     pulumi.String("analytics-dev"),
			Description: pulumi.String("Uniswap v3 swaps on Base"),
			Topic:       pulumi.String("base.mainnet.ref.block.swap.v3"),
			Destination: goldrush.DestinationArgs{
				Postgres: goldrush.PostgresDestinationArgs{
					Url:      pulumi.String("postgresql://postgres.dev.example.com:5432/analytics"),
					User:     pulumi.String("goldrush"),
					Password: config.RequireSecret(ctx, "pgPassword"),
				},
			},
			Transforms:         pulumi.StringMap{"swaps": pulumi.String(swapsOfUniswap)},
			ExecutionStartFrom: pulumi.Int(44_745_000),
		})
		if err != nil {
			return err
		}
		ctx.Export("id", swaps.ID())
		ctx.Export("phase", swaps.Phase)
		return nil
	})
}
