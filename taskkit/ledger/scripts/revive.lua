-- Make jobs of a copy fit to go on. ARGV: cause, how far tokens are to be apart, then "owner id" of each
-- job. What ran is queued again, which counts towards nothing; what is queued is due at once. Returns how
-- many are not final.
local cause, apart, revived = ARGV[9], ARGV[10], 0
for at = 11, #ARGV do
  local owner, id = string.match(ARGV[at], '^(%S+) (%S+)$')
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'retry_at')
  if job[1] == 'running' then lose(ARGV[at] .. ' ' .. job[2], cause, 'returned') end
  if job[1] == 'running' or job[1] == 'queued' then
    redis.call('HINCRBY', key, 'attempt', apart)
    local is_waiting = job[3] and tonumber(job[3]) > NOW
    if not is_waiting then redis.call('ZADD', QUEUED, 'XX', NOW, ARGV[at]) end
    revived = revived + 1
  end
end
return revived
