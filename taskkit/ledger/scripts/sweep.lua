-- Repair what died. ARGV: silent_ms, soon_ms, hold_ms, limit, and the queues of which the broker holds no
-- wake-up. Returns the "owner id queue" of queued jobs to publish again.
local silent_ms, soon_ms, hold_ms, limit = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11], ARGV[12]
local LANE_KEPT_MS = 3600000
local is_empty = {}
for at = 13, #ARGV do is_empty[ARGV[at]] = true end

local silent = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', NOW - silent_ms)
for _, name in ipairs(silent) do
  leave(name, 'not heard of for ' .. silent_ms / 1000 .. ' s', 'lost')
end
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', NOW)) do
  lose(lease, 'the lease ended: its worker was not heard of in time', 'lost')
end

local due = redis.call('ZRANGEBYSCORE', QUEUED, '-inf', NOW, 'LIMIT', 0, limit)
if next(is_empty) then
  -- No message waits there, so those queued for a while have lost theirs.
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', QUEUED, '(' .. NOW, '+inf', 'LIMIT', 0, limit)) do
    local owner, id = string.match(ref, '^(%S+) (%S+)$')
    local at = redis.call('HMGET', job_key(owner, id), 'published_at', 'created_at', 'retry_at',
      'queue')
    local is_waiting = at[3] and tonumber(at[3]) > NOW
    if is_empty[at[4] or DEFAULT_QUEUE] and not is_waiting and NOW - tonumber(at[1] or at[2]) >= soon_ms then due[#due + 1] = ref end
  end
end
local told = {}
for _, ref in ipairs(due) do
  local owner, id = string.match(ref, '^(%S+) (%S+)$')
  redis.call('ZADD', QUEUED, NOW + hold_ms, ref)
  local queue = queue_of(owner, id)
  -- One that waited for its next attempt is not in line yet.
  if is_lane(queue) or not redis.call('ZSCORE', line_key(owner, queue), id) then line_up(owner, id) end
  -- Of a lane, a worker was woken just now, where one is idle.
  if not is_lane(queue) or not lanes().wake_up(base_of(queue)) then
    told[#told + 1] = ref .. ' ' .. base_of(queue)
  end
end

-- Lanes that nobody has used for long.
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', lanes().used, '-inf', NOW - LANE_KEPT_MS, 'LIMIT', 0, 100)) do
  if redis.call('HEXISTS', lanes().jobs, lane) == 1 then
    redis.call('ZADD', lanes().used, NOW, lane)
  else
    for _, worker in ipairs(redis.call('SMEMBERS', lanes().workers_key(lane))) do
      redis.call('SREM', lanes().of_worker_key(worker), lane)
    end
    redis.call('DEL', lanes().workers_key(lane))
    redis.call('HDEL', lanes().needs, lane)
    redis.call('ZREM', lanes().used, lane)
  end
end
return told
