"""`guru top`: the fleet on one screen. Only this folder knows Textual; everything shown comes from the verbs' pages."""
