-- Announce a worker. ARGV: name, info, event, tasks. Joining again under the same name only renews.
local name = ARGV[9]
redis.call('HSET', worker_key(name), 'info', ARGV[10])
redis.call('SET', PREFIX .. 'tasks', ARGV[12])
redis.call('HSETNX', worker_key(name), 'joined_at', NOW)
redis.call('PERSIST', worker_leases_key(name))
if redis.call('ZADD', WORKERS, NOW, name) == 1 then
  record('@workers', 'worker_joined', '', ARGV[11])
end
