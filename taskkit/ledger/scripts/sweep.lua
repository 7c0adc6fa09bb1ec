-- Repair what died. ARGV: silent_ms, max_attempts, retention_ms, is_broker_empty, soon_ms, hold_ms, limit.
-- Returns the "owner id" of queued jobs to publish again.
local silent_ms, max_attempts, retention_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local is_broker_empty, soon_ms, hold_ms, limit = ARGV[7], tonumber(ARGV[8]), ARGV[9], ARGV[10]

local silent = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', NOW - silent_ms)
for _, name in ipairs(silent) do
  leave(name, 'not heard of for ' .. silent_ms / 1000 .. ' s', max_attempts, retention_ms)
end
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', NOW)) do
  lose(lease, 'the lease ended: its worker was not heard of in time', max_attempts, retention_ms)
end

local due = redis.call('ZRANGEBYSCORE', QUEUED, '-inf', NOW, 'LIMIT', 0, limit)
if is_broker_empty == '1' then
  -- No message waits anywhere, so those queued for a while have lost theirs.
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', QUEUED, '(' .. NOW, '+inf', 'LIMIT', 0, limit)) do
    local owner, id = string.match(ref, '^(%S+) (%S+)$')
    local at = redis.call('HMGET', job_key(owner, id), 'published_at', 'created_at')
    if NOW - tonumber(at[1] or at[2]) >= soon_ms then due[#due + 1] = ref end
  end
end
for _, ref in ipairs(due) do redis.call('ZADD', QUEUED, NOW + hold_ms, ref) end
return due
