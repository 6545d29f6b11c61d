"""Curves as tables for other programs: a row a cell and layer, and a row a cell with its verdict (docs/format.md)."""
