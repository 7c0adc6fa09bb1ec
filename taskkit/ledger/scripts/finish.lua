-- End an attempt by its outcome. ARGV: lease, row, type, event, field ('result' or 'error'), its value,
-- summary of an error, whether it may be retried, media type, body, whether there is one, its blobs; and
-- for who takes the next message of the queue at once: worker or '', pid, row, lease_ms, queue, name of
-- the broker's task. Returns {what became of it, an order or nothing}.
local lease, row, kind, event, field, value, summary = unpack(ARGV, 9, 15)
local is_retryable, media_type, body, has_body = ARGV[16] == '1', ARGV[17], ARGV[18], ARGV[19] == '1'
local worker, pid, begin_row, lease_ms, queue, wake = unpack(ARGV, 21, 26)
local owner, id, token = split(lease)

local MOST_DROPPED = 100 -- messages at once, so that a script never takes long

-- Return the owner and the id that a message of the broker is for; nothing where it is another's.
-- Source: Celery's message protocol, version 2, as kombu's virtual transports write it.
local function addressee(message)
  local is_json, whole = pcall(cjson.decode, message)
  if not is_json or type(whole) ~= 'table' or type(whole.headers) ~= 'table' then return end
  if whole.headers.task ~= wake or type(whole.body) ~= 'string' then return end
  local is_list, body = pcall(cjson.decode, whole.body)
  local to = is_list and type(body) == 'table' and body[1]
  if type(to) == 'table' and type(to[1]) == 'string' and type(to[2]) == 'string' then
    return to[1], to[2]
  end
end

-- Begin the job of the oldest message. One that is none of ours stays, for whoever waits to take it.
local function take()
  for _ = 1, MOST_DROPPED do
    local message = redis.call('LINDEX', queue, -1)
    local to, job
    if message then to, job = addressee(message) end
    if not to then return end
    redis.call('RPOP', queue)
    local next_token = begin(to, job, worker, pid, begin_row, lease_ms)
    if next_token then return order(to, job, next_token) end
  end
end

-- Return the order that the process had been given before, if the reply was lost.
local function taken()
  local held = redis.call('HGETALL', worker_leases_key(worker))
  for at = 1, #held, 2 do
    if held[at + 1] == pid then
      local to, job, held_token = split(held[at])
      local is_at = redis.call('HMGET', job_key(to, job), 'state', 'attempt')
      if is_at[1] == 'running' and is_at[2] == held_token then
        return order(to, job, tonumber(held_token))
      end
    end
  end
end

local function finish()
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'finished_by', 'worker')
  if job[3] == token then return 'repeated' end
  if job[1] ~= 'running' or job[2] ~= token then return 'fenced' end
  redis.call('ZREM', LEASES, lease)
  redis.call('HDEL', worker_leases_key(job[4]), lease)
  if is_retryable then
    redis.call('HSET', key, 'finished_by', token)
    if fail_or_retry(owner, id, token, value, summary) then return 'done' end
  else
    local seq = record(owner, kind, id, event)
    redis.call('HSET', key, 'state', next_state(row, job[1]), 'seq', seq, 'finished_at', NOW, field,
      value, 'finished_by', token)
  end
  if has_body then
    redis.call('HSET', key, 'media_type', media_type)
    redis.call('SET', key .. ':result', body)
    keep_blobs(owner, ARGV[20], NOW + RETENTION_MS)
  end
  expire(owner, id)
  settle(owner, id)
  return 'done'
end

local answer = finish()
if worker == '' or answer == 'fenced' then return {answer} end
return {answer, answer == 'repeated' and taken() or take()}
