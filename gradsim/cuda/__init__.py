"""Networks on a GPU: the CPU's kernels, compiled for teams of threads from the same source (docs/cuda.md)."""
