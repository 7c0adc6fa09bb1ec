-- Announce a worker. ARGV: name, info, event, tasks. Joining again under the same name only renews.
local name = ARGV[4]
redis.call('HSET', worker_key(name), 'info', ARGV[5])
redis.call('SET', PREFIX .. 'tasks', ARGV[7])
redis.call('HSETNX', worker_key(name), 'joined_at', NOW)
if redis.call('ZADD', WORKERS, NOW, name) == 1 then
  record('@workers', 'worker_joined', '', ARGV[6])
end
