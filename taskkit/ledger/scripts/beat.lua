-- Renew a worker's presence and leases. ARGV: name, lease_ms.
-- Returns {lease, pid, ...} of those that are no longer valid, or nothing for an unknown worker.
local name, lease_ms = ARGV[4], ARGV[5]
if not redis.call('ZSCORE', WORKERS, name) then return false end
redis.call('ZADD', WORKERS, NOW, name)
local invalid = {}
local held = redis.call('HGETALL', worker_leases_key(name))
for at = 1, #held, 2 do
  local owner, id, token = split(held[at])
  local job = redis.call('HMGET', job_key(owner, id), 'state', 'attempt')
  if job[1] == 'running' and job[2] == token then
    redis.call('ZADD', LEASES, NOW + lease_ms, held[at])
  else
    invalid[#invalid + 1] = held[at]
    invalid[#invalid + 1] = held[at + 1]
  end
end
return invalid
