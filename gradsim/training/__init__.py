"""Networks with their weights, trained for a while: which layers learn (docs/training.md)."""
