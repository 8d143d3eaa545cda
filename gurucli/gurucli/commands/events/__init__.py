"""What happens, as it does."""
