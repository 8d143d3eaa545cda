"""`guru import`: a live server or another product's export, brought into a fleet repository."""
