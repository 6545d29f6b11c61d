"""Jitted functions only: no classes that compute, no files, no printing."""
