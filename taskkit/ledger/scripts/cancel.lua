-- Make an active job cancelled. ARGV: owner, id, row. Returns 1, or nothing if unknown.
local owner, id, row = ARGV[9], ARGV[10], ARGV[11]
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'worker')
if not job[1] then return false end
local after = next_state(row, job[1])
if not after then return 1 end
local seq = record(owner, 'job_cancelled', id, '{}')
redis.call('HSET', key, 'state', after, 'seq', seq, 'finished_at', NOW)
redis.call('HDEL', key, 'retry_at')
redis.call('ZREM', QUEUED, owner .. ' ' .. id)
if job[1] == 'running' then
  -- The lease stays in the worker's own list, so that its next beat learns of it.
  redis.call('ZREM', LEASES, owner .. ' ' .. id .. ' ' .. job[2])
  local wake = PREFIX .. 'wake:' .. job[3]
  redis.call('RPUSH', wake, 1)
  redis.call('PEXPIRE', wake, 60000)
end
expire(owner, id)
return 1
