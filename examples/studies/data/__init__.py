"""Data that studies need, and how they were made; see README.md."""
