"""Bad inputs to every reader, through the real commands: what each must end with, name, and not leave behind."""
