"""From cells to rows: each is pretrained, probed and tested, here or on a Ray cluster, and what is done is kept."""
