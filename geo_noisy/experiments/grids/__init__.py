"""What a grid file holds: its cells, the full configuration of each, and what sets them apart."""
