// Two pipelines for each of the stacks dev, staging and prod.
package main

import (
	"goldrush/sdk/go/goldrush"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(declare)
}

func declare(ctx *pulumi.Context) error {
	settings := config.New(ctx, "")
	name, project := "-"+ctx.Stack(), pulumi.String("analytics-"+ctx.Stack())
	batchSize, status := 1000, goldrush.DesiredStatusRunning
	if size, err := settings.TryInt("batchSize"); err == nil {
		batchSize = size
	}
	if word := settings.Get("status"); word != "" {
		status = goldrush.DesiredStatus(word)
	}
	destination := goldrush.DestinationArgs{
		Postgres: goldrush.PostgresDestinationArgs{
			Url:       pulumi.Sprintf("postgresql://%s:5432/analytics", settings.Require("pgHost")),
			User:      pulumi.String("goldrush"),
			Password:  settings.RequireSecret("pgPassword"),
			BatchSize: pulumi.Int(batchSize),
		},
	}
	timeouts := pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "20m", Update: "20m"})

	swaps, err := goldrush.NewPipeline(ctx, "swaps", &goldrush.PipelineArgs{
		Name:        pulumi.String("swaps" + name),
		Project:     project,
		Topic:       pulumi.String("base.mainnet.ref.block.swap.v3"),
		Destination: destination,
		Status:      status,
	}, timeouts)
	if err != nil {
		return err
	}
	transfers, err := goldrush.NewPipeline(ctx, "transfers", &goldrush.PipelineArgs{
		Name:        pulumi.String("transfers" + name),
		Project:     project,
		Description: pulumi.Sprintf("Runs after %s, into the same database", swaps.Name),
		Topic:       pulumi.String("base.mainnet.ref.block.transfers"),
		Destination: destination,
		Status:      status,
	}, timeouts)
	if err != nil {
		return err
	}
	ctx.Export("phases", pulumi.StringMap{"swaps": swaps.Phase, "transfers": transfers.Phase})
	return nil
}
