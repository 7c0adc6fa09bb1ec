-- Have workers serve lanes that they fit. ARGV: how an attempt begins as a row of the transition table,
-- lease_ms, the worker that seeks lanes or '' where lanes are new, then pairs of a worker and a lane.
local row, lease_ms, seeker = unpack(ARGV, 9, 11)
local MOST_WOKEN = 64 -- of each lane, at once; who has ended one job takes the next by itself

local new = {}
for at = 12, #ARGV, 2 do
  local worker, lane = ARGV[at], ARGV[at + 1]
  -- Who has left, or a lane that was dropped, comes again by itself.
  if redis.call('ZSCORE', WORKERS, worker) and redis.call('HEXISTS', lanes().needs, lane) == 1 then
    redis.call('SADD', lanes().of_worker_key(worker), lane)
    redis.call('SADD', lanes().workers_key(lane), worker)
    new[lane] = true
  end
end
if seeker ~= '' then return lanes().notify_worker(seeker) end
for lane in pairs(new) do
  for _ = 1, math.min(MOST_WOKEN, tonumber(redis.call('HGET', lanes().jobs, lane) or 0)) do
    if redis.call('EXISTS', turns_key(lane)) == 0 then break end
    if not hand_over(lane, row, lease_ms) and not lanes().notify(lane) then break end
  end
end
