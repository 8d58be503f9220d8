"""Readers under random input: nothing but their own errors, and never for long."""
