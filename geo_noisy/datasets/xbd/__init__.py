"""xBD from the original images and label polygons."""
