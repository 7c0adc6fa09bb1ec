-- Have workers serve lanes that they fit. ARGV: pairs of a worker and a lane. Returns how many lanes have a
-- job in line.
local waiting = {}
for at = 9, #ARGV, 2 do
  local worker, lane = ARGV[at], ARGV[at + 1]
  -- Who has left, or a lane that was dropped, comes again by itself.
  if redis.call('ZSCORE', WORKERS, worker) and redis.call('HEXISTS', LANES, lane) == 1 then
    redis.call('SADD', worker_lanes_key(worker), lane)
    redis.call('SADD', lane_workers_key(lane), worker)
    if redis.call('EXISTS', turns_key(lane)) == 1 then waiting[#waiting + 1] = {worker, lane} end
  end
end
for _, one in ipairs(waiting) do notify_worker(one[1]) end
return #waiting
