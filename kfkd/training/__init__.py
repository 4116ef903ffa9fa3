"""The training of a net: its loop, epochs, functions and state."""
