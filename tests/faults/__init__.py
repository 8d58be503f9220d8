"""Faults of the machine while commands run: what was there stays whole, and what is run again ends as unbroken."""
