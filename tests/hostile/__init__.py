"""Inputs that mean harm, or come from a slip of the hand, and what must be true of each of them.

A family is a table of Inputs (command_lines.py, grids.py, ...); test_hostile.py runs them all. Every input goes to a process
of its own kind (worker.py, by way of workshop.py), where it can neither hang nor eat the memory of the tests, in a folder of
its own; truths.py then looks at what it printed and at what it left behind.
"""
