"""The output formats, one a file. None of them knows a command."""
