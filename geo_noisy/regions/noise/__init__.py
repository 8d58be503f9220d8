"""What changed where, and what holds between two dates."""
