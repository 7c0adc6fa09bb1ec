"""What goes on beside requests: wake-ups, repairs, counting, a look at Redis at the start."""
