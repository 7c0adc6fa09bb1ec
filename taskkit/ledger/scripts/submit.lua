-- Accept jobs, all or none. ARGV: owner, grace_ms, republish_ms, keep_ms, queue, then for each job:
-- key, id, digest, task, arguments, function, payload, python, event, the broker's message or ''.
-- Returns {{id, is_new, seq, now}, ...}, or {'reused', key} where a key belongs to another spec,
-- or {'missing', function} where a new job's function is not here.
local owner, grace_ms, republish_ms, keep_ms, queue = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local FIRST, WIDTH = 9, 10
local answers, fresh = {}, {}

for at = FIRST, #ARGV, WIDTH do
  local key, id, digest = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local name = owner_key(owner, 'key:' .. key)
  local known = fresh[name] or redis.call('GET', name)
  if not known then
    local shipped = ARGV[at + 5]
    if shipped ~= '' and
      redis.call('PEXPIRE', owner_key(owner, 'function:' .. shipped), keep_ms) == 0 then
      return {'missing', shipped}
    end
    fresh[name] = id .. ' ' .. digest
  elseif string.sub(known, 34) ~= digest then
    return {'reused', key}
  end
end

for at = FIRST, #ARGV, WIDTH do
  local key, id, digest = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local name = owner_key(owner, 'key:' .. key)
  local known = redis.call('GET', name)
  if known then
    answers[#answers + 1] = {string.sub(known, 1, 32), 0, 0, 0}
  else
    redis.call('SET', name, id .. ' ' .. digest)
    local seq = record(owner, 'job_submitted', id, ARGV[at + 8])
    redis.call('HSET', job_key(owner, id), 'state', 'queued', 'seq', seq, 'created_at', NOW,
      'attempt', 0, 'key', key, 'task', ARGV[at + 3], 'arguments', ARGV[at + 4],
      'function', ARGV[at + 5], 'payload', ARGV[at + 6], 'python', ARGV[at + 7])
    -- Newest first, also within a millisecond: 41 bits of time and 12 of order fit a double.
    redis.call('ZADD', owner_key(owner, 'jobs'), NOW + (seq % 4096) / 4096, id)
    local wake_up, due = ARGV[at + 9], NOW + grace_ms
    if wake_up ~= '' then
      redis.call('LPUSH', queue, wake_up)
      redis.call('HSET', job_key(owner, id), 'published', 1, 'published_at', NOW)
      due = NOW + republish_ms
    end
    redis.call('ZADD', QUEUED, due, owner .. ' ' .. id)
    answers[#answers + 1] = {id, 1, seq, NOW}
  end
end
return answers
