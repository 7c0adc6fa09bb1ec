"""What goes on for as long as somebody listens: sockets, and output that is followed."""
