"""What rows of results say: paired differences, their intervals, gates and tests."""
