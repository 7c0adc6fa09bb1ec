-- Begin an attempt. ARGV: owner, id, worker, pid, row, lease_ms.
-- Returns {token, task, arguments, function, payload, python, options, after}, or nothing.
local owner, id, worker, pid, row, lease_ms =
  ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], ARGV[14]
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'worker', 'pid', 'retry_at', 'timeout_ms',
  'waits')
local token
if job[1] == 'running' and job[3] == worker and job[4] == pid then
  -- The same process asks again: the reply to its first claim was lost.
  token = tonumber(job[2])
else
  local after = job[1] and next_state(row, job[1])
  if not after or (job[5] and tonumber(job[5]) > NOW) then return false end
  if job[7] and tonumber(job[7]) > 0 then return false end
  token = tonumber(job[2]) + 1
  -- First, since it needs no memory: a Redis that is full of queued jobs must be able to run them.
  redis.call('ZREM', QUEUED, owner .. ' ' .. id)
  local event = cjson.encode({attempt = token, worker = worker})
  local seq = record(owner, 'attempt_started', id, event)
  redis.call('HSET', key, 'state', after, 'seq', seq, 'attempt', token, 'worker', worker,
    'pid', pid, 'started_at', NOW)
  redis.call('HDEL', key, 'progress', 'writes', 'output_chars', 'retry_at')
  redis.call('DEL', key .. ':output')
  if job[6] then redis.call('HSET', key, 'deadline', NOW + job[6] + KILL_GRACE_MS) end
  local lease = owner .. ' ' .. id .. ' ' .. token
  redis.call('ZADD', LEASES, NOW + lease_ms, lease)
  redis.call('HSET', worker_leases_key(worker), lease, pid)
end
local spec = redis.call('HMGET', key, 'task', 'arguments', 'function', 'payload', 'python', 'options',
  'after')
return {token, spec[1], spec[2] or '{}', spec[3] or '', spec[4] or '', spec[5] or '', spec[6] or '',
  spec[7] or ''}
