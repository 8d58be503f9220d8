"""Samples from keys: pair data sets and their segmentation partners."""
