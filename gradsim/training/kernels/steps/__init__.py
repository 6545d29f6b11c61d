"""The steps of a network in plain arithmetic, a kind a file; those of blocks have the names of `gradsim.steps`. Each has

own_numbers(n_in, n): how many it trains; STARTS_AS, what the first n of these are before training, where it is not drawn;
kept_numbers(rows, n): how many it keeps for the way back (widths are padded);
forward(step) and backward(step), kernels of a `layout.Step`. What a loop that writes needs of a step is read before it: the
compiler takes what is written for what might be a step's, and makes no vectors of it.
"""
