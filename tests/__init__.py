"""Tests by kind: unit, typing, contract, plugin, e2e, chaos."""
