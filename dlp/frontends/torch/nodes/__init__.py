"""Importers of single ATen operations, a file a family; see `registry.imports`."""
