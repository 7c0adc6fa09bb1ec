-- Repair what died. ARGV: silent_ms, is_broker_empty, soon_ms, hold_ms, limit.
-- Returns the "owner id" of queued jobs to publish again.
local silent_ms, is_broker_empty, soon_ms = tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local hold_ms, limit = ARGV[12], ARGV[13]

local silent = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', NOW - silent_ms)
for _, name in ipairs(silent) do
  leave(name, 'not heard of for ' .. silent_ms / 1000 .. ' s', 'lost')
end
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', NOW)) do
  lose(lease, 'the lease ended: its worker was not heard of in time', 'lost')
end

local due = redis.call('ZRANGEBYSCORE', QUEUED, '-inf', NOW, 'LIMIT', 0, limit)
if is_broker_empty == '1' then
  -- No message waits anywhere, so those queued for a while have lost theirs.
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', QUEUED, '(' .. NOW, '+inf', 'LIMIT', 0, limit)) do
    local owner, id = string.match(ref, '^(%S+) (%S+)$')
    local at = redis.call('HMGET', job_key(owner, id), 'published_at', 'created_at', 'retry_at')
    local is_waiting = at[3] and tonumber(at[3]) > NOW
    if not is_waiting and NOW - tonumber(at[1] or at[2]) >= soon_ms then due[#due + 1] = ref end
  end
end
for _, ref in ipairs(due) do redis.call('ZADD', QUEUED, NOW + hold_ms, ref) end
return due
