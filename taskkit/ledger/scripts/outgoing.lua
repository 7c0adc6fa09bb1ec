-- Take wake-ups out of the broker's lists, to carry them on to another broker. ARGV: hold_ms, how many at
-- most in all, then pairs: a queue, and how many at most of it. Returns pairs: a queue, a wake-up. What is not
-- `outgone` when hold_ms are over is taken again by whoever comes next: who took it has died.
local hold_ms, most = tonumber(ARGV[9]), tonumber(ARGV[10])
local OUTGOING = PREFIX .. 'outgoing'
local taken, room = {}, {}

local function take(queue, message)
  taken[#taken + 1] = queue
  taken[#taken + 1] = message
  redis.call('ZADD', OUTGOING, NOW + hold_ms, queue .. ' ' .. message)
end

for at = 11, #ARGV, 2 do room[ARGV[at]] = tonumber(ARGV[at + 1]) end
for _, held in ipairs(redis.call('ZRANGEBYSCORE', OUTGOING, '-inf', NOW, 'LIMIT', 0, most)) do
  take(string.match(held, '^(%S+) (.*)$'))
end
for queue, free in pairs(room) do
  while free > 0 and #taken < 2 * most do
    local message = redis.call('RPOP', broker_key(queue))
    if not message then break end
    take(queue, message)
    free = free - 1
  end
end
return taken
