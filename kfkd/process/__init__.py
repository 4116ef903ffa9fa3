"""The running process: its signals, memory and installation."""
