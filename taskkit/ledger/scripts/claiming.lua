-- How an attempt begins; for the scripts that begin one.

-- Return the token of a new attempt, or of the one that this process has already; nothing where the job
-- is not to be had.
local function begin(owner, id, worker, pid, row, lease_ms)
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'worker', 'pid', 'retry_at', 'timeout_ms',
    'waits', 'queue')
  if job[1] == 'running' and job[3] == worker and job[4] == pid then
    -- The same process asks again: the reply to its first claim was lost.
    return tonumber(job[2])
  end
  local after = job[1] and next_state(row, job[1])
  if not after or (job[5] and tonumber(job[5]) > NOW) then return end
  if job[7] and tonumber(job[7]) > 0 then return end
  local token = tonumber(job[2]) + 1
  -- First, since it needs no memory: a Redis that is full of queued jobs must be able to run them.
  redis.call('ZREM', QUEUED, owner .. ' ' .. id)
  moved(owner, id, job[1], after, job[8] or DEFAULT_QUEUE)
  local event = cjson.encode({attempt = token, worker = worker})
  local seq = record(owner, 'attempt_started', id, event)
  redis.call('HSET', key, 'state', after, 'seq', seq, 'attempt', token, 'worker', worker,
    'pid', pid, 'started_at', NOW)
  if token > 1 then -- what an attempt before this one has left
    redis.call('HDEL', key, 'progress', 'curves', 'figures', 'figure_blobs', 'usage',
      'writes', 'output_chars', 'retry_at')
    redis.call('DEL', key .. ':output')
  end
  if job[6] then redis.call('HSET', key, 'deadline', NOW + job[6] + KILL_GRACE_MS) end
  local lease = owner .. ' ' .. id .. ' ' .. token
  redis.call('ZADD', LEASES, NOW + lease_ms, lease)
  redis.call('HSET', worker_leases_key(worker), lease, pid)
  return token
end

-- Return what an attempt needs: {owner, id, token, task, arguments, function, payload, python, options,
-- after}.
local function order(owner, id, token)
  local spec = redis.call('HMGET', job_key(owner, id), 'task', 'arguments', 'function', 'payload',
    'python', 'options', 'after')
  return {owner, id, token, spec[1], spec[2] or '{}', spec[3] or '', spec[4] or '', spec[5] or '',
    spec[6] or '', spec[7] or ''}
end

local MOST_PASSED = 100 -- jobs that are in line and not to be had, at once

-- Begin the job whose turn it is in a queue. Returns its order, or nothing.
local function next_of(queue, worker, pid, row, lease_ms)
  local most = tonumber(redis.call('HGET', LIMITS, 'running'))
  for _ = 1, MOST_PASSED do
    local first = redis.call('ZRANGE', turns_key(queue), 0, 0, 'WITHSCORES')
    local owner = first[1]
    -- Who comes first has the fewest running: where it has enough, all have.
    if not owner or (most and tonumber(first[2]) >= most * ONE_RUNNING) then return end
    local id = redis.call('ZRANGE', line_key(owner, queue), 0, 0)[1]
    local token = id and begin(owner, id, worker, pid, row, lease_ms)
    if token then return order(owner, id, token) end
    step_out(owner, id or '', queue)
  end
end

-- Return the order that a process holds already, if it does: the reply to its claim was lost.
local function held_by(worker, pid)
  local held = redis.call('HGETALL', worker_leases_key(worker))
  for at = 1, #held, 2 do
    if held[at + 1] == pid then
      local owner, id, token = split(held[at])
      local is_at = redis.call('HMGET', job_key(owner, id), 'state', 'attempt')
      if is_at[1] == 'running' and is_at[2] == token then return order(owner, id, tonumber(token)) end
    end
  end
end
