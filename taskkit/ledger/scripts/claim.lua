-- Begin an attempt. ARGV: owner, id, worker, pid, row, lease_ms.
-- Returns {token, task, arguments, function, payload, python}, or nothing.
local owner, id, worker, pid, row, lease_ms = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'worker', 'pid')
local token
if job[1] == 'running' and job[3] == worker and job[4] == pid then
  -- The same process asks again: the reply to its first claim was lost.
  token = tonumber(job[2])
else
  local after = job[1] and next_state(row, job[1])
  if not after then return false end
  token = tonumber(job[2]) + 1
  local event = cjson.encode({attempt = token, worker = worker})
  local seq = record(owner, 'attempt_started', id, event)
  redis.call('HSET', key, 'state', after, 'seq', seq, 'attempt', token, 'worker', worker,
    'pid', pid, 'started_at', NOW)
  redis.call('HDEL', key, 'progress', 'writes', 'output_chars')
  redis.call('DEL', key .. ':output')
  redis.call('ZREM', QUEUED, owner .. ' ' .. id)
  local lease = owner .. ' ' .. id .. ' ' .. token
  redis.call('ZADD', LEASES, NOW + lease_ms, lease)
  redis.call('HSET', worker_leases_key(worker), lease, pid)
end
local spec = redis.call('HMGET', key, 'task', 'arguments', 'function', 'payload', 'python')
return {token, unpack(spec)}
