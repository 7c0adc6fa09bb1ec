-- Note that wake-ups were handed to the broker. ARGV: republish_after_ms, then "owner id" of each job.
-- The wait before the next one doubles with each, so that a long queue is not flooded with copies.
local wait = tonumber(ARGV[9])
for at = 10, #ARGV do
  local ref = ARGV[at]
  if redis.call('ZSCORE', QUEUED, ref) then
    local owner, id = string.match(ref, '^(%S+) (%S+)$')
    local times = redis.call('HINCRBY', job_key(owner, id), 'published', 1)
    redis.call('HSET', job_key(owner, id), 'published_at', NOW)
    redis.call('ZADD', QUEUED, NOW + wait * 2 ^ math.min(times - 1, 10), ref)
  end
end
