"""The tables that every agent serves to live SQL: names, columns, meanings. No rows and no SQL."""

from guru_policy.query.catalogue import BY_NAME, TABLES
from guru_policy.query.table import Column, Table

__all__ = ["BY_NAME", "TABLES", "Column", "Table"]
