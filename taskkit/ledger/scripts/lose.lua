-- End an attempt without an outcome. ARGV: lease, cause, max_attempts, retention_ms. Returns 1 or 0.
return lose(ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]) and 1 or 0
