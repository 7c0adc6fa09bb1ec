-- Say goodbye. ARGV: name, reason.
leave(ARGV[9], ARGV[10], 'returned')
