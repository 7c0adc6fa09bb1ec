-- Renew a worker's presence and leases. ARGV: name, lease_ms, for how many ms what it has installed is kept.
-- Returns {lease, pid, ...} of those that are no longer valid, or nothing for an unknown worker.
local name, lease_ms, keep_ms = ARGV[9], ARGV[10], ARGV[11]
if not redis.call('ZSCORE', WORKERS, name) then return false end
-- A write that needs no memory comes first, so that leases are renewed also where there is none left.
redis.call('PERSIST', WORKERS)
redis.call('ZADD', WORKERS, NOW, name)
local environment = redis.call('HGET', worker_key(name), 'environment')
if environment and redis.call('PEXPIRE', PREFIX .. 'environment:' .. environment, keep_ms) == 0 then
  return false -- it says again what it has
end

-- End an attempt that has run for too long.
local function time_out(owner, id, token)
  local key = job_key(owner, id)
  local limits = redis.call('HMGET', key, 'timeout_ms', 'retries_timeout')
  local message = string.format(
    'it ran longer than its timeout of %g s and was ended from outside', limits[1] / 1000)
  local failure = cjson.encode({type = 'taskkit.JobTimedOut', message = message, traceback = ''})
  if limits[2] == '1' then
    fail_or_retry(owner, id, token, failure, 'taskkit.JobTimedOut: ' .. message)
  else
    fail(owner, id, failure)
  end
  redis.call('HSET', key, 'finished_by', token)
end

local invalid = {}
local held = redis.call('HGETALL', worker_leases_key(name))
for at = 1, #held, 2 do
  local owner, id, token = split(held[at])
  local job = redis.call('HMGET', job_key(owner, id), 'state', 'attempt', 'deadline')
  local is_valid = job[1] == 'running' and job[2] == token
  if is_valid and job[3] and tonumber(job[3]) <= NOW then
    time_out(owner, id, token)
    redis.call('ZREM', LEASES, held[at])
    is_valid = false
  end
  if is_valid then
    redis.call('ZADD', LEASES, NOW + lease_ms, held[at])
  else
    invalid[#invalid + 1] = held[at]
    invalid[#invalid + 1] = held[at + 1]
  end
end
if are_needy() then lanes().notify_worker(name) end -- a wake-up may have gone to a worker that died
return invalid
