"""Programs of this repository: they set it up, show it and keep its generated files in step."""
