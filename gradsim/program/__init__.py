"""From a network to the arrays that kernels run."""
