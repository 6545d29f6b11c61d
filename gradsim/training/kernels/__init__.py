"""Jitted functions of training, apart from those of `gradsim.kernels`: whoever trains nothing need not compile them."""
