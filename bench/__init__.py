"""Benchmarks: how fast gradsim is next to what else one would write, and next to what its own arithmetic allows."""
