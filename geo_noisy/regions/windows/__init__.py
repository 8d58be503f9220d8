"""Windows of ground on the grids of their sites, and their pixels."""
