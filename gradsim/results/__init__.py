"""What becomes of the curves of an ensemble, in words: verdicts, sentences, exits from float types, names of cells."""
