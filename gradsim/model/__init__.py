"""What is asked for: networks, runs and their options, users' functions and data; all of it checked, nothing computed."""
