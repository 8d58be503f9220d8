"""Pictures of what geo-noisy does, drawn by it."""
