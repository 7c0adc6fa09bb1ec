-- How an attempt begins; for the scripts that begin one.

-- What makes an order: of the jobs that were begun here by their ids.
local SPEC = {'task', 'arguments', 'function', 'payload', 'python', 'options', 'after'}
local specs = {}

-- Return the token of a new attempt, or of the one that this process has already; nothing where the job
-- is not to be had.
local function begin(owner, id, worker, pid, row, lease_ms)
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'worker', 'pid', 'retry_at', 'timeout_ms',
    'waits', 'queue', unpack(SPEC))
  specs[id] = {unpack(job, 9, 15)}
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
  local spec = specs[id] or redis.call('HMGET', job_key(owner, id), unpack(SPEC))
  return {owner, id, token, spec[1], spec[2] or '{}', spec[3] or '', spec[4] or '', spec[5] or '',
    spec[6] or '', spec[7] or ''}
end

local SAVING_MS = 15000 -- for how long a worker keeps a job for itself that it has no room for yet
local MOST_PASSED = 100 -- jobs that are in line and not to be had, at once

-- Do as `next_of` where some jobs have needs: of a queue and of the lanes of it that the worker serves.
-- Where the job whose turn it is needs more room than there is, the worker takes no other meanwhile.
local function next_that_fits(queue, most, worker, pid, row, lease_ms)
  -- Return who is first in a queue or a lane: {queue, owner, score, id, rank}; nothing where nobody is who
  -- may have another job running. In a lane places are given anew: jobs of others of its queue have moved.
  local function head_of(queue, most)
    if is_lane(queue) then
      for _, owner in ipairs(redis.call('ZRANGE', turns_key(queue), 0, -1)) do
        place(owner, queue, counted(owner, queue, 'running'))
      end
    end
    local first = redis.call('ZRANGE', turns_key(queue), 0, 0, 'WITHSCORES')
    local owner, score = first[1], tonumber(first[2])
    if not owner or (most and score >= most * ONE_RUNNING) then return end
    local line = redis.call('ZRANGE', line_key(owner, queue), 0, 0, 'WITHSCORES')
    return {queue = queue, owner = owner, score = score, id = line[1] or '', rank = tonumber(line[2] or 0)}
  end

  local function is_before(one, other)
    if one.score ~= other.score then return one.score < other.score end
    if one.owner ~= other.owner then return one.owner < other.owner end
    return one.rank < other.rank
  end

  -- Return whether a worker may keep its room for the next job of a lane: one worker at a time does.
  local function may_save(lane, worker)
    local saver = redis.call('GET', lanes().saver_key(lane))
    if saver and saver ~= worker and redis.call('ZSCORE', WORKERS, saver) then return false end
    redis.call('SET', lanes().saver_key(lane), worker, 'PX', SAVING_MS)
    return true
  end

  local room, passed = lanes().room_of(worker), {}
  local queues = {queue}
  for _, lane in ipairs(redis.call('SMEMBERS', lanes().of_worker_key(worker))) do
    if base_of(lane) == queue then queues[#queues + 1] = lane end
  end
  for _ = 1, MOST_PASSED do
    local best
    for _, one in ipairs(queues) do
      local head = not passed[one] and head_of(one, most)
      if head and (not best or is_before(head, best)) then best = head end
    end
    if not best then return end
    local takes = redis.call('HMGET', job_key(best.owner, best.id), 'cpus', 'memory_mib')
    if lanes().has_room(room, tonumber(takes[1]), tonumber(takes[2])) then
      local token = begin(best.owner, best.id, worker, pid, row, lease_ms)
      if token then
        if redis.call('GET', lanes().saver_key(best.queue)) == worker then
          redis.call('DEL', lanes().saver_key(best.queue))
        end
        return order(best.owner, best.id, token), false, is_lane(best.queue)
      end
      step_out(best.owner, best.id, best.queue)
    elseif not is_lane(best.queue) or may_save(best.queue, worker) then
      return nil, true
    else
      passed[best.queue] = true
    end
  end
end

local was_needy = false -- whether some jobs have needs, as `next_of` has seen it

-- Begin the job whose turn it is in a queue. Returns its order, or nothing; whether the worker has no room
-- for it, so that the process is to wait; and whether the job is of a lane, so that no wake-up is in the
-- queue's list for it.
local function next_of(queue, worker, pid, row, lease_ms)
  local most = tonumber(redis.call('HGET', LIMITS, 'running'))
  if are_needy() then
    was_needy = true
    return next_that_fits(queue, most, worker, pid, row, lease_ms)
  end
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

-- Return whether a message of the broker is a wake-up of ours, whose task has the name `wake`.
-- Source: Celery's message protocol, version 2, as kombu's virtual transports write it.
local function is_wake_up(message, wake)
  local is_json, whole = pcall(cjson.decode, message)
  return is_json and type(whole) == 'table' and type(whole.headers) == 'table'
    and whole.headers.task == wake
end

-- Take the oldest wake-up of a queue; return whether there was one. What is not ours stays, for whoever
-- waits to take it.
local function take(queue, wake)
  local message = redis.call('LINDEX', broker_key(queue), -1)
  if not message or not is_wake_up(message, wake) then return false end
  redis.call('RPOP', broker_key(queue))
  return true
end
