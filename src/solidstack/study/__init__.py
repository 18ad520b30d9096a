"""Questions to a design: its proof, validation, sensitivity, rates, and what a built cell achieved."""
