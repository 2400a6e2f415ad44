"""GoldRush data pipelines as code, on Pulumi."""
