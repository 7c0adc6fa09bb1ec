-- Announce a worker. ARGV: name, info, event, tasks, processes, slots, cores or '', MiB or '', digest of what it
-- has installed or '', that as JSON, for how many ms it is kept. Joining again under the same name only renews.
local name = ARGV[9]
redis.call('HSET', worker_key(name), 'info', ARGV[10], 'processes', ARGV[13], 'slots', ARGV[14],
  'cores', ARGV[15], 'memory_mib', ARGV[16])
if ARGV[17] ~= '' then
  redis.call('HSET', worker_key(name), 'environment', ARGV[17])
  redis.call('SET', PREFIX .. 'environment:' .. ARGV[17], ARGV[18], 'PX', ARGV[19])
end
redis.call('SET', PREFIX .. 'tasks', ARGV[12])
redis.call('HSETNX', worker_key(name), 'joined_at', NOW)
redis.call('PERSIST', worker_leases_key(name))
if redis.call('ZADD', WORKERS, NOW, name) == 1 then
  record('@workers', 'worker_joined', '', ARGV[11])
end
