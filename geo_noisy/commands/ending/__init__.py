"""How a command ends: an exit status, and one paragraph where something was wrong."""
