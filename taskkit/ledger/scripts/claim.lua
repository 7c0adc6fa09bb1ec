-- Begin an attempt. ARGV: owner, id, worker, pid, row, lease_ms. Returns an order, or nothing.
local owner, id, worker, pid, row, lease_ms = unpack(ARGV, 9, 14)
local token = begin(owner, id, worker, pid, row, lease_ms)
return token and order(owner, id, token)
