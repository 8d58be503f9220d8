"""CIFAR-10, and its false positive pairs."""
