"""What is told of a file that cannot serve."""


class RasterProblemError(ValueError):
    """A file that cannot serve, with the reason as its message."""
