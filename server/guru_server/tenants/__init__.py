"""The tenants of this server: who they are, what each may have, and the door of each."""
