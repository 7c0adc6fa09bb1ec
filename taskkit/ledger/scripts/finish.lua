-- End an attempt by its outcome. ARGV: lease, row, type, event, field ('result' or 'error'), its value,
-- summary of an error, whether it may be retried, media type, body, whether there is one, its blobs.
-- Returns what became of it.
local lease, row, kind, event, field, value, summary = unpack(ARGV, 9, 15)
local is_retryable, media_type, body, has_body = ARGV[16] == '1', ARGV[17], ARGV[18], ARGV[19] == '1'
local owner, id, token = split(lease)
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'finished_by', 'worker')
if job[3] == token then return 'repeated' end
if job[1] ~= 'running' or job[2] ~= token then return 'fenced' end
redis.call('ZREM', LEASES, lease)
redis.call('HDEL', worker_leases_key(job[4]), lease)
redis.call('HSET', key, 'finished_by', token)
if is_retryable and fail_or_retry(owner, id, token, value, summary) then return 'done' end
if not is_retryable then
  local seq = record(owner, kind, id, event)
  redis.call('HSET', key, 'state', next_state(row, job[1]), 'seq', seq, 'finished_at', NOW, field, value)
end
if has_body then
  redis.call('HSET', key, 'media_type', media_type)
  redis.call('SET', key .. ':result', body)
  keep_blobs(owner, ARGV[20], NOW + RETENTION_MS)
end
expire(owner, id)
settle(owner, id)
return 'done'
