-- Make a job final. ARGV: lease, row, type, event, field ('result' or 'error'), its value, media type,
-- body, whether there is one, retention_ms. Returns what became of it.
local lease, row = ARGV[4], ARGV[5]
local owner, id, token = split(lease)
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'finished_by', 'worker')
if job[3] == token then return 'repeated' end
if job[1] ~= 'running' or job[2] ~= token then return 'fenced' end
local seq = record(owner, ARGV[6], id, ARGV[7])
redis.call('HSET', key, 'state', next_state(row, job[1]), 'seq', seq, 'finished_at', NOW,
  'finished_by', token, ARGV[8], ARGV[9])
if ARGV[12] == '1' then
  redis.call('HSET', key, 'media_type', ARGV[10])
  redis.call('SET', key .. ':result', ARGV[11])
end
redis.call('ZREM', LEASES, lease)
redis.call('HDEL', worker_leases_key(job[4]), lease)
expire(owner, id, ARGV[13])
return 'done'
