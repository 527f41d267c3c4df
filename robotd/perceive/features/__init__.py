"""Features shared by the daemon and by `export/`, so that training and running can never differ."""
