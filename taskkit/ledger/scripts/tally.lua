-- Tell how many jobs an owner has in each state. ARGV: owner, how many whose time is over are looked at, of
-- each state. Returns {queued, running, succeeded, failed, cancelled, how many are listed}: the last is the
-- sum of the others, unless an older release has ended jobs here; see `recount`.
local owner, most = ARGV[9], tonumber(ARGV[10])
local told = {0, 0}
for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do
  told[1] = told[1] + counted(owner, queue, 'queued')
  told[2] = told[2] + counted(owner, queue, 'running')
end
for _, state in ipairs({'succeeded', 'failed', 'cancelled'}) do
  forget(owner, state, most)
  told[#told + 1] = redis.call('ZCARD', final_key(owner, state))
end
told[#told + 1] = redis.call('ZCARD', owner_key(owner, 'jobs'))
return told
