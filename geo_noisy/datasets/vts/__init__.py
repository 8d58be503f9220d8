"""The synthetic Voronoi textures: pairs, segmentation, scenes."""
