"""From a grid to runs to rows: pretrain, probe and test each cell, and compare."""
