"""What devices have: software, updates, accounts, hardware; what of it changed when, and which devices have what."""
