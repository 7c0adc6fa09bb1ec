-- Give back jobs that a process has claimed and has not begun to run, and have others begin them. ARGV: worker,
-- row, lease_ms, republish_ms, why, then each lease.
local worker, row, lease_ms, republish_ms, cause = unpack(ARGV, 9, 13)
local returned = {}
for at = 14, #ARGV do
  if lose(ARGV[at], cause, 'returned') then returned[#returned + 1] = ARGV[at] end
  redis.call('HDEL', worker_leases_key(worker), ARGV[at])
end
for _, lease in ipairs(returned) do
  local owner, id = split(lease)
  local queue = queue_of(owner, id)
  local message = not is_lane(queue) and lanes().wake_up(queue)
  if message then
    if redis.call('ZSCORE', QUEUED, owner .. ' ' .. id) then
      redis.call('HSET', job_key(owner, id), 'published', 1, 'published_at', NOW)
      redis.call('ZADD', QUEUED, NOW + republish_ms, owner .. ' ' .. id)
    end
    local whose, which = hand_over(queue, row, lease_ms)
    -- Handed over may be another one that was in line before it.
    if whose ~= owner or which ~= id then redis.call('LPUSH', broker_key(queue), message) end
  end
end
return #returned
