-- Note what became of wake-ups that were taken. ARGV: whether they are put back, then pairs: a queue, a
-- wake-up.
local are_back = ARGV[9] == '1'
for at = #ARGV - 1, 10, -2 do
  local queue, message = ARGV[at], ARGV[at + 1]
  if redis.call('ZREM', PREFIX .. 'outgoing', queue .. ' ' .. message) == 1 and are_back then
    redis.call('RPUSH', broker_key(queue), message)
  end
end
