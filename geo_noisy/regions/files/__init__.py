"""Captures: which files there are, of when, and what is left out."""
