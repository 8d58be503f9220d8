"""What was asked: words of a command line and configs, checked before a command runs."""
