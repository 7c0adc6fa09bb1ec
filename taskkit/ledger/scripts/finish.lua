-- End an attempt by its outcome. ARGV: lease, row, type, event, field ('result' or 'error'), its value,
-- summary of an error, whether it may be retried, media type, body, whether there is one, its blobs, the
-- digests of its sheets, the texts of those that may not be here, each with a NUL behind it, or '', and of
-- the arguments 'kept', the digest of what is to be let go, or ''; and for who begins another job at once:
-- worker or '', pid, row, lease_ms, name of the broker's task, for how many ms it waits where there is none,
-- and queues, the preferred one first. Returns {what became of it, an order, or nothing, or 'full' where the
-- worker has no room for the next job}.
local lease, row, kind, event, field, value, summary = unpack(ARGV, 9, 15)
local is_retryable, media_type, body, has_body = ARGV[16] == '1', ARGV[17], ARGV[18], ARGV[19] == '1'
local sheets, texts, arguments = unpack(ARGV, 21, 23)
local worker, pid, begin_row, lease_ms, wake, wait_ms = unpack(ARGV, 24, 29)
local FIRST_QUEUE = 30
local owner, id, token = split(lease)

local MOST_DROPPED = 100 -- messages at once, so that a script never takes long

-- Return whether a message of the broker is a wake-up of ours.
-- Source: Celery's message protocol, version 2, as kombu's virtual transports write it.
local function is_wake_up(message)
  local is_json, whole = pcall(cjson.decode, message)
  return is_json and type(whole) == 'table' and type(whole.headers) == 'table'
    and whole.headers.task == wake
end

-- Take the oldest wake-up of a queue; return whether there was one. What is not ours stays, for whoever
-- waits to take it.
local function take(queue)
  local message = redis.call('LINDEX', broker_key(queue), -1)
  if not message or not is_wake_up(message) then return false end
  redis.call('RPOP', broker_key(queue))
  return true
end

-- Begin the job whose turn it is in the first queue that has one, and take a wake-up for it. Those that
-- are left where nobody is in line are of jobs that were begun or cancelled.
local function another()
  for at = FIRST_QUEUE, #ARGV do
    local queue = ARGV[at]
    local following, is_full, is_of_lane = next_of(queue, worker, pid, begin_row, lease_ms)
    if following then
      if not is_of_lane then take(queue) end
      return following
    end
    if is_full then
      redis.call('SADD', lanes().parked_key(worker), pid)
      return 'full'
    end
    if redis.call('EXISTS', turns_key(queue)) == 0 then
      for _ = 1, MOST_DROPPED do
        if not take(queue) then break end
      end
    end
  end
  if tonumber(wait_ms) > 0 then sit_down(worker, pid, {unpack(ARGV, FIRST_QUEUE)}, wait_ms) end
end

-- Note how the job ran, for its card. A sheet lives long enough for a worker that does not send it again
-- with every job; see `redis_sheets.AGAIN_S`.
local function keep_sheets(key)
  local digests = string.gmatch(sheets, '%S+')
  for text in string.gmatch(texts, '([^%z]*)%z') do
    local digest = digests()
    if text ~= '' then
      redis.call('SET', owner_key(owner, 'sheet:' .. digest), text, 'PX', 2 * RETENTION_MS + 600000)
    end
  end
  if sheets ~= '' then
    redis.call('HSET', key, 'sheets', sheets)
  else
    redis.call('HDEL', key, 'sheets') -- those of an attempt before
  end
  if kind == 'job_succeeded' and arguments ~= '' and arguments ~= 'kept' then -- else they are here still
    redis.call('HSET', key, 'arguments_sha', arguments)
  end
end

local function finish()
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'finished_by', 'worker', 'queue')
  if job[3] == token then return 'repeated' end
  if job[1] ~= 'running' or job[2] ~= token then return 'fenced' end
  redis.call('ZREM', LEASES, lease)
  redis.call('HDEL', worker_leases_key(job[4]), lease)
  keep_sheets(key)
  if is_retryable then
    redis.call('HSET', key, 'finished_by', token)
    if fail_or_retry(owner, id, token, value, summary) then return 'done' end
  else
    local seq, after = record(owner, kind, id, event), next_state(row, job[1])
    moved(owner, id, job[1], after, job[5] or DEFAULT_QUEUE)
    redis.call('HSET', key, 'state', after, 'seq', seq, 'finished_at', NOW, field,
      value, 'finished_by', token)
  end
  if has_body then
    redis.call('HSET', key, 'media_type', media_type)
    redis.call('SET', key .. ':result', body)
    if ARGV[20] ~= '' then redis.call('HSET', key, 'result_blobs', ARGV[20]) end
    keep_blobs(owner, ARGV[20], NOW + RETENTION_MS)
  end
  expire(owner, id, arguments == 'kept')
  settle(owner, id)
  return 'done'
end

local answer = finish()
if worker == '' or answer == 'fenced' then
  -- Whoever takes no other job goes back to Celery, which only wake-ups tell of jobs in lanes.
  if answer ~= 'fenced' and are_needy() then
    local name = redis.call('HGET', job_key(owner, id), 'worker') or ''
    nudge(name)
    lanes().notify_worker(name)
  end
  return {answer}
end
-- What was handed over since the first time is told now.
if answer == 'repeated' then redis.call('DEL', orders_key(worker, pid)) end
local following = answer == 'repeated' and held_by(worker, pid) or another()
if was_needy then nudge(worker, pid) end
return {answer, following}
