"""Files and folders of devices, looked at."""
