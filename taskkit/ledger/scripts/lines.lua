
-- Whose turn it is. A queue has a line of jobs for each owner: those that may begin now, by priority and
-- then as they were submitted. Next is the owner with the fewest jobs running in this queue, of several
-- the one who was served longest ago. So who has thousands of jobs waiting takes turns with who has one.

local DEFAULT_QUEUE, BROKER_QUEUE = 'default', 'taskkit.jobs' -- `protocol/broker.py` has the same ones
local ONE_RUNNING = 2 ^ 40 -- what a running job weighs against having been served more lately

local function queue_of(owner, id)
  return redis.call('HGET', job_key(owner, id), 'queue') or DEFAULT_QUEUE
end

-- Return the broker's list with the wake-ups for a queue; a lane's own are in lists of workers.
local function broker_key(queue)
  queue = base_of(queue)
  return queue == DEFAULT_QUEUE and BROKER_QUEUE or BROKER_QUEUE .. '.' .. queue
end

-- Count an owner's jobs of a queue that are in a state, and return how many there are now.
local function count(owner, queue, state, by)
  local field = owner .. ' ' .. base_of(queue) .. ' ' .. state
  local n = redis.call('HINCRBY', COUNTS, field, by)
  if n > 0 then return n end
  redis.call('HDEL', COUNTS, field)
  return 0
end

local function counted(owner, queue, state)
  return tonumber(redis.call('HGET', COUNTS, owner .. ' ' .. base_of(queue) .. ' ' .. state) or 0)
end

-- Give an owner who has jobs in line, or, by `is_new`, has one from now on, the place that is due to it.
-- Who knows when the owner was served last says it.
local function place(owner, queue, running, is_new, served)
  served = served or tonumber(redis.call('HGET', served_key(base_of(queue)), owner) or 0)
  redis.call('ZADD', turns_key(queue), is_new and 'NX' or 'XX', running * ONE_RUNNING + served, owner)
end

-- Have a queued job stand in its line; one that has needs wakes a worker, unless whoever calls does.
local function line_up(owner, id, is_told)
  local job = redis.call('HMGET', job_key(owner, id), 'queue', 'rank')
  local queue = job[1] or DEFAULT_QUEUE
  redis.call('ZADD', line_key(owner, queue), job[2] or 0, id)
  place(owner, queue, counted(owner, queue, 'running'), true)
  if is_lane(queue) and not is_told then lanes().notify(queue) end
end

local function step_out(owner, id, queue)
  local line = line_key(owner, queue)
  redis.call('ZREM', line, id)
  if redis.call('EXISTS', line) == 0 then redis.call('ZREM', turns_key(queue), owner) end
end

-- Have counts and lines follow a job that was in the state `before` and is in `after` now. Who knows the
-- job's queue says it.
local function moved(owner, id, before, after, queue)
  queue = queue or queue_of(owner, id)
  local base = base_of(queue)
  if before == 'queued' then
    step_out(owner, id, queue)
    count(owner, queue, 'queued', -1)
  elseif before == 'running' then
    place(owner, base, count(owner, queue, 'running', -1))
  end
  if after == 'queued' then
    redis.call('SADD', QUEUES, base)
    count(owner, queue, 'queued', 1)
  elseif after == 'running' then
    local served = redis.call('HINCRBY', served_key(base), '', 1)
    redis.call('HSET', served_key(base), owner, served)
    place(owner, base, count(owner, queue, 'running', 1), false, served)
  end
  if base ~= queue then
    local was_active, is_active = before == 'queued' or before == 'running', after == 'queued' or after == 'running'
    local by = (is_active and 1 or 0) - (was_active and 1 or 0)
    if by ~= 0 then
      redis.call('HINCRBY', COUNTS, 'needy', by)
      if redis.call('HINCRBY', lanes().jobs, queue, by) <= 0 then redis.call('HDEL', lanes().jobs, queue) end
    end
    redis.call('ZADD', lanes().used, NOW, queue)
  end
end
