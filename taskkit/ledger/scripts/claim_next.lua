-- Begin the job whose turn it is in a queue. ARGV: queue, worker, pid, row, lease_ms. Returns an order, or
-- nothing. A process that holds a job gets that one again.
local queue, worker, pid, row, lease_ms = unpack(ARGV, 9, 13)
return held_by(worker, pid) or next_of(queue, worker, pid, row, lease_ms)
