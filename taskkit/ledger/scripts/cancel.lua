-- Make an active job cancelled. ARGV: owner, id, row, whether those that wait for it are cancelled, too.
-- Returns 1, or nothing if unknown.
local owner, id, row, is_cancelled_down = ARGV[9], ARGV[10], ARGV[11], ARGV[12] == '1'
local job = redis.call('HMGET', job_key(owner, id), 'state', 'attempt', 'worker')
if not job[1] then return false end
local after = next_state(row, job[1])
if not after then return 1 end
cancel_alone(owner, id, after)
if job[1] == 'running' then
  -- The lease stays in the worker's own list, so that its next beat learns of it.
  redis.call('ZREM', LEASES, owner .. ' ' .. id .. ' ' .. job[2])
  local wake = PREFIX .. 'wake:' .. job[3]
  redis.call('RPUSH', wake, 1)
  redis.call('PEXPIRE', wake, 60000)
end
settle(owner, id, is_cancelled_down)
return 1
