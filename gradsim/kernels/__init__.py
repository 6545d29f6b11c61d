"""Jitted functions only: no classes that compute, no files (but for `cache`, which keeps machine code), no printing."""
