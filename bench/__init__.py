"""Benchmarks: the engine's floor, a plain dynamic provider, and this package, side by side in one run."""
