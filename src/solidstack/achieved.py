"""What a built cell achieved, beside its design and its simulated curve."""
