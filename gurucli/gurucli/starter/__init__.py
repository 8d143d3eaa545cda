"""The files of a new fleet repository, as they lie beside this one. Data only: nothing here runs."""
