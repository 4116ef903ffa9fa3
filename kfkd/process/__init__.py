"""What the process is: its signals, memory and installation."""
