"""The steps of a program, a family a file: forward, backward, and what they record."""
