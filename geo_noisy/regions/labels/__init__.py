"""Labels of a region: classes of the pixels of its windows, from rasters or polygons."""
