-- End an attempt without an outcome. ARGV: lease, cause, 'lost' or 'returned'. Returns 1 or 0.
return lose(ARGV[9], ARGV[10], ARGV[11]) and 1 or 0
