"""Addable statistics of an ensemble: what is kept of the records when the replicas are gone.

Each object covers some replicas; `a + b` covers both. Floating-point sums depend on the order of addition, so
`simulate` adds chunks in the order of their index whatever order they were computed in.
"""
