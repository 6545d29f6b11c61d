"""The HDF5 file: its schema, writing it whole or not at all, reading it. The schema's page is docs/format.md."""
