-- End an attempt without an outcome. ARGV: lease, cause, 'lost' or 'returned', and where the job is to wait
-- for a worker that fits it the lane for that, and its needs as JSON. Returns 1 or 0.
local lease, lane, needs = ARGV[9], ARGV[12], ARGV[13]

-- Have a running job belong to another lane, as `moved` counts them.
local function change_lane(owner, id)
  local before = queue_of(owner, id)
  if before == lane then return end
  if not is_lane(before) then
    redis.call('HINCRBY', COUNTS, 'needy', 1)
  elseif redis.call('HINCRBY', lanes().jobs, before, -1) <= 0 then
    redis.call('HDEL', lanes().jobs, before)
  end
  redis.call('HINCRBY', lanes().jobs, lane, 1)
  redis.call('HSETNX', lanes().needs, lane, needs)
  redis.call('ZADD', lanes().used, NOW, lane)
  redis.call('HSET', job_key(owner, id), 'queue', lane)
end

if lane then
  local owner, id, token = split(lease)
  local job = redis.call('HMGET', job_key(owner, id), 'state', 'attempt')
  if job[1] == 'running' and job[2] == token then change_lane(owner, id) end
end
return lose(lease, ARGV[10], ARGV[11]) and 1 or 0
