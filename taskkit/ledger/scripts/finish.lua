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

-- Begin the job whose turn it is in the first queue that has one, and take a wake-up for it. Those that
-- are left where nobody is in line are of jobs that were begun or cancelled.
local function another()
  for at = FIRST_QUEUE, #ARGV do
    local queue = ARGV[at]
    local following, is_full, is_of_lane = next_of(queue, worker, pid, begin_row, lease_ms)
    if following then
      if not is_of_lane then take(queue, wake) end
      return following
    end
    if is_full then
      redis.call('SADD', lanes().parked_key(worker), pid)
      return 'full'
    end
    if redis.call('EXISTS', turns_key(queue)) == 0 then
      for _ = 1, MOST_DROPPED do
        if not take(queue, wake) then break end
      end
    end
  end
  if tonumber(wait_ms) > 0 then sit_down(worker, pid, {unpack(ARGV, FIRST_QUEUE)}, wait_ms) end
end

-- Keep what the job ran in, for its card. A sheet lives long enough for a worker that does not send it again
-- with every job; see `redis_sheets.AGAIN_S`.
local function keep_sheets()
  local digests = string.gmatch(sheets, '%S+')
  for text in string.gmatch(texts, '([^%z]*)%z') do
    local digest = digests()
    if text ~= '' then
      redis.call('SET', owner_key(owner, 'sheet:' .. digest), text, 'PX', 2 * RETENTION_MS + 600000)
    end
  end
end

local function finish()
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'finished_by', 'worker', 'queue', 'key',
    'figure_blobs', 'output_chars', 'call')
  if job[3] == token then return 'repeated' end
  if job[1] ~= 'running' or job[2] ~= token then return 'fenced' end
  redis.call('ZREM', LEASES, lease)
  redis.call('HDEL', worker_leases_key(job[4]), lease)
  keep_sheets()
  local after, fields = next_state(row, job[1]), {'finished_by', token}
  local function add(name, told)
    fields[#fields + 1], fields[#fields + 2] = name, told
  end
  if sheets ~= '' then
    add('sheets', sheets)
  elseif token ~= '1' then
    redis.call('HDEL', key, 'sheets') -- those of an attempt before
  end
  if is_retryable then
    redis.call('HSET', key, unpack(fields))
    if fail_or_retry(owner, id, token, value, summary) then return 'done' end
    fields = {}
  else
    add('seq', record(owner, kind, id, event))
    moved(owner, id, job[1], after, job[5] or DEFAULT_QUEUE)
    add('state', after)
    add('finished_at', NOW)
    add(field, value)
  end
  -- Of those that are kept the digest is not told, and others than of a success are here still.
  if kind == 'job_succeeded' and arguments ~= '' and arguments ~= 'kept' then add('arguments_sha', arguments) end
  if has_body then
    add('media_type', media_type)
    if ARGV[20] ~= '' then add('result_blobs', ARGV[20]) end
    keep_blobs(owner, ARGV[20], NOW + RETENTION_MS)
  end
  if fields[1] then redis.call('HSET', key, unpack(fields)) end
  expire(owner, id, {job[6], after, job[7], job[8], false, job[9]}, has_body and body, arguments == 'kept')
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
