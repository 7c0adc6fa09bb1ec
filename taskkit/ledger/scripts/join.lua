-- Announce a worker. ARGV: name, info, event, tasks, slots, cores or '', MiB or '', digest of what it
-- has installed or '', that as JSON, for how many ms it is kept. Joining again under the same name only renews.
local name = ARGV[9]
redis.call('HSET', worker_key(name), 'info', ARGV[10], 'slots', ARGV[13], 'cores', ARGV[14],
  'memory_mib', ARGV[15])
if ARGV[16] ~= '' then
  redis.call('HSET', worker_key(name), 'environment', ARGV[16])
  redis.call('SET', PREFIX .. 'environment:' .. ARGV[16], ARGV[17], 'PX', ARGV[18])
end
redis.call('SET', PREFIX .. 'tasks', ARGV[12])
redis.call('HSETNX', worker_key(name), 'joined_at', NOW)
redis.call('PERSIST', worker_leases_key(name))
if redis.call('ZADD', WORKERS, NOW, name) == 1 then
  record('@workers', 'worker_joined', '', ARGV[11])
end
