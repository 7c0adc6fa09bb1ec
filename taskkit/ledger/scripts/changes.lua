
-- What several verbs do to a job.

-- Have blobs be kept until then at least; `digests` are separated by spaces.
local function keep_blobs(owner, digests, until_ms)
  for digest in string.gmatch(digests, '%S+') do
    redis.call('ZADD', owner_key(owner, 'blobs'), 'GT', until_ms, digest)
  end
end

local function final_key(owner, state) return owner_key(owner, 'final:' .. state) end

-- Take up to so many jobs whose time is over out of the count of a final state, and out of the list. Of a
-- ledger that was restored from a copy they may be there for longer than was noted.
local function forget(owner, state, most)
  local over = redis.call('ZRANGEBYSCORE', final_key(owner, state), '-inf', NOW, 'LIMIT', 0, most)
  for _, id in ipairs(over) do
    local left_ms = redis.call('PTTL', job_key(owner, id))
    if left_ms > 0 then
      redis.call('ZADD', final_key(owner, state), NOW + left_ms, id)
    else
      redis.call('ZREM', final_key(owner, state), id)
      redis.call('ZREM', owner_key(owner, 'jobs'), id)
    end
  end
  return #over
end

-- Let everything that belongs to a final job live for RETENTION_MS more, but for the arguments of one
-- that has succeeded, unless they are few: others may be submitted again. `known` is {key, state, figure_blobs,
-- output_chars, result_blobs, call} of the job where that was asked for already; `result` is kept from now on,
-- where there is one.
local function expire(owner, id, known, result, are_few)
  local key = job_key(owner, id)
  known = known or redis.call('HMGET', key, 'key', 'state', 'figure_blobs', 'output_chars', 'result_blobs', 'call')
  local idempotency_key, state, figures, output, results, call = unpack(known, 1, 6)
  if state == 'succeeded' and not are_few then redis.call('HDEL', key, 'payload', 'blobs') end
  if figures then keep_blobs(owner, figures, NOW + RETENTION_MS) end
  if results then keep_blobs(owner, results, NOW + RETENTION_MS) end
  if call then
    local names = {call}
    for _, topic in ipairs(cjson.decode(redis.call('HGET', key, 'identity')).topics) do
      names[#names + 1] = owner_key(owner, 'topic:' .. topic)
    end
    for _, name in ipairs(names) do
      if redis.call('GET', name) == id then redis.call('PEXPIRE', name, RETENTION_MS) end
    end
  end
  redis.call('PEXPIRE', key, RETENTION_MS)
  redis.call('PEXPIRE', owner_key(owner, 'key:' .. idempotency_key), RETENTION_MS)
  if output then redis.call('PEXPIRE', key .. ':output', RETENTION_MS) end
  if result then redis.call('SET', key .. ':result', result, 'PX', RETENTION_MS) end
  redis.call('ZADD', final_key(owner, state), NOW + RETENTION_MS, id)
  forget(owner, state, 2) -- so that who never asks for counts keeps no more than there is
end

-- Make a job failed, but not those after it; `failure` is the error as JSON.
local function fail_alone(owner, id, failure)
  local before = redis.call('HGET', job_key(owner, id), 'state')
  local seq = record(owner, 'job_failed', id, '{"error":' .. failure .. '}')
  moved(owner, id, before, 'failed')
  redis.call('HSET', job_key(owner, id), 'state', 'failed', 'seq', seq, 'finished_at', NOW,
    'error', failure)
  expire(owner, id)
end

local function cancel_alone(owner, id, state)
  local before = redis.call('HGET', job_key(owner, id), 'state')
  local seq = record(owner, 'job_cancelled', id, '{}')
  redis.call('HSET', job_key(owner, id), 'state', state, 'seq', seq, 'finished_at', NOW)
  redis.call('HDEL', job_key(owner, id), 'retry_at')
  redis.call('ZREM', QUEUED, owner .. ' ' .. id)
  moved(owner, id, before, state)
  expire(owner, id)
end

-- Return the error, as JSON, of a job that was to be given the result of another one.
local function needed(owner, other)
  local job = redis.call('HMGET', job_key(owner, other), 'task', 'error')
  local how = 'was cancelled'
  if job[2] then
    local cause = cjson.decode(job[2])
    if cause.type == 'taskkit.DependencyFailed' then return job[2] end
    local first = string.match(string.match(cause.message, '^%s*(.-)%s*$'), '^[^\n]*')
    how = 'failed: ' .. cause.type .. (first ~= '' and ': ' .. first or '')
  end
  local message = 'it needed job ' .. other .. ' (' .. job[1] .. '), which ' .. how
  return cjson.encode({type = 'taskkit.DependencyFailed', message = message, traceback = ''})
end

-- Send the wake-up of a job that has waited for others.
local function release(owner, id)
  local key = job_key(owner, id)
  local wake = redis.call('HMGET', key, 'message', 'republish_ms')
  local due = NOW
  if wake[1] then
    local queue = queue_of(owner, id)
    if not is_lane(queue) then redis.call('LPUSH', broker_key(queue), wake[1]) end
    redis.call('HSET', key, 'published', 1, 'published_at', NOW)
    due = NOW + wake[2]
  end
  redis.call('HDEL', key, 'message', 'republish_ms')
  redis.call('ZADD', QUEUED, due, owner .. ' ' .. id)
  line_up(owner, id)
end

-- Tell the jobs that are after a final one. One after another, not by recursion: a chain may be long.
local function settle(owner, id, is_cancelled_down)
  local final, at = {id}, 1
  while final[at] do
    local waiting = job_key(owner, final[at]) .. ':waiting'
    local others = redis.call('LRANGE', waiting, 0, -1)
    local state = others[1] and redis.call('HGET', job_key(owner, final[at]), 'state')
    for _, other in ipairs(others) do
      local key = job_key(owner, other)
      if redis.call('HGET', key, 'state') ~= 'queued' then -- it is final already
      elseif state == 'succeeded' then
        if redis.call('HINCRBY', key, 'waits', -1) == 0 then release(owner, other) end
      else
        if is_cancelled_down and state == 'cancelled' then
          cancel_alone(owner, other, 'cancelled')
        else
          fail_alone(owner, other, needed(owner, final[at]))
        end
        final[#final + 1] = other
      end
    end
    if others[1] then redis.call('DEL', waiting) end
    at = at + 1
  end
end

local function fail(owner, id, failure)
  fail_alone(owner, id, failure)
  settle(owner, id)
end

-- Queue a running job again: note how its attempt ended ('lost', 'failed' or 'returned') and why. It is
-- in line at once, unless it is due later.
local function requeue(owner, id, attempt, how, cause, kind, data, due)
  local key = job_key(owner, id)
  local seq = record(owner, kind, id, data)
  local past = redis.call('HGET', key, 'past') or ''
  redis.call('HSET', key, 'state', 'queued', 'seq', seq,
    'past', past .. attempt .. '\t' .. NOW .. '\t' .. how .. '\t' .. cause .. '\n')
  redis.call('HDEL', key, 'started_at', 'published', 'published_at')
  redis.call('ZADD', QUEUED, due, owner .. ' ' .. id)
  moved(owner, id, 'running', 'queued')
  if due <= NOW then line_up(owner, id) end
end

-- End an attempt whose task raised: queue the job again after a wait where it has retries left, else
-- make it failed. `failure` is the error as JSON, `summary` the same in one line. Returns whether it
-- was queued.
local function fail_or_retry(owner, id, attempt, failure, summary)
  local key = job_key(owner, id)
  local spent = redis.call('HMGET', key, 'retries', 'failures')
  local failures = tonumber(spent[2] or 0)
  if failures >= tonumber(spent[1] or 0) then
    fail(owner, id, failure)
    return false
  end
  local due = NOW + math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ^ math.min(failures, 30))
  local data = '{"attempt":' .. attempt .. ',"error":' .. failure .. ',"retry_at":' .. due .. '}'
  requeue(owner, id, attempt, 'failed', summary, 'attempt_failed', data, due)
  redis.call('HSET', key, 'failures', failures + 1, 'retry_at', due)
  return true
end

-- End an attempt that has no outcome, 'lost' or 'returned'; return whether its lease was valid.
local function lose(lease, cause, how)
  local owner, id, token = split(lease)
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt')
  redis.call('ZREM', LEASES, lease)
  if job[1] ~= 'running' or job[2] ~= token then return false end
  local data = cjson.encode({attempt = tonumber(token), cause = cause})
  requeue(owner, id, token, how, cause, 'attempt_' .. how, data, NOW)
  if how ~= 'lost' or redis.call('HINCRBY', key, 'losses', 1) < MAX_LOST then return true end
  local causes = {}
  for number, why in string.gmatch(redis.call('HGET', key, 'past'), '(%d+)\t%d+\tlost\t([^\n]*)\n') do
    causes[#causes + 1] = 'attempt ' .. number .. ': ' .. why
  end
  local message = 'every attempt died without an outcome (' .. table.concat(causes, '; ') .. ')'
  redis.call('ZREM', QUEUED, owner .. ' ' .. id)
  fail(owner, id, cjson.encode({type = 'taskkit.JobLost', message = message, traceback = ''}))
  return true
end

-- Take a worker off the list and give its attempts to others. Its own list of them stays for a day:
-- a worker that was only frozen must learn, when it wakes, which of its processes to end.
local function leave(name, reason, how)
  if redis.call('ZREM', WORKERS, name) == 0 then return end
  local held = redis.call('HKEYS', worker_leases_key(name))
  for _, lease in ipairs(held) do
    lose(lease, 'worker ' .. name .. ' left: ' .. reason, how)
  end
  redis.call('DEL', worker_key(name), PREFIX .. 'wake:' .. name)
  lanes().leave(name)
  if how == 'returned' then
    redis.call('DEL', worker_leases_key(name))
  else
    redis.call('PEXPIRE', worker_leases_key(name), 86400000)
  end
  record('@workers', 'worker_left', '', cjson.encode({worker = name, reason = reason}))
end
