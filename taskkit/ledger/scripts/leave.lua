-- Say goodbye. ARGV: name, reason, max_attempts, retention_ms.
leave(ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7])
