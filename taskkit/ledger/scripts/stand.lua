-- Tell how things stand; what was counted, too. Looks at each queue, each worker and each
-- owner's log, never at all jobs. Returns {counts as HGETALL, queued, running, for how long the oldest has
-- been queued, workers, their processes, owners, messages, events in all logs, in the longest}.
local FIGURES, OWNERS, WAITING =
  PREFIX .. 'figures', PREFIX .. 'figures:owners', PREFIX .. 'figures:waiting'
local LOOKED_AT = 100

-- The events that tell of a job's begin may have been trimmed before they were counted.
local oldest_ms = 0
for _ = 1, LOOKED_AT do
  local first = redis.call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')
  if not first[1] then break end
  local owner, id = string.match(first[1], '^(%S+) (%S+)$')
  if redis.call('HGET', job_key(owner, id), 'state') == 'queued' then
    oldest_ms = NOW - first[2]
    break
  end
  redis.call('ZREM', WAITING, first[1])
end

local workers, processes = redis.call('ZRANGE', WORKERS, 0, -1), 0
for _, name in ipairs(workers) do
  local info = redis.call('HGET', worker_key(name), 'info') or ''
  processes = processes + (tonumber(string.match(info, '"processes": ?(%d+)')) or 0)
end

local wakeups = 0
for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do
  wakeups = wakeups + redis.call('LLEN', broker_key(queue))
end

local owners, events, longest = redis.call('SMEMBERS', OWNERS), 0, 0
for _, owner in ipairs(owners) do
  local length = redis.call('XLEN', log_key(owner))
  events, longest = events + length, math.max(longest, length)
end

return {redis.call('HGETALL', FIGURES), redis.call('ZCARD', QUEUED), redis.call('ZCARD', LEASES),
  oldest_ms, #workers, processes, #owners, wakeups, events, longest}
