-- Accept jobs, all or none. ARGV: owner, grace_ms, republish_ms, keep_ms, how an attempt begins as a row of
-- the transition table, lease_ms, then for each job: key,
-- id, digest, task, arguments, function, payload, python, event, options or '', whether a timeout
-- is tried again, the broker's message or '', the jobs it is after as ids or 'key:' and a key,
-- the blobs it needs, its lane or '', its needs as JSON, what the call is as JSON or ''.
-- Returns {{id, is_new, seq, now, after, why it runs or 'recalled'}, ...}, or {'reused', key} where a key belongs to another spec,
-- or {'missing', function} or {'unknown', job} where what a new job needs is not here, or {'full', most,
-- queued} where the owner may not have as many queued.
local owner, grace_ms, republish_ms, keep_ms, begin_row, lease_ms = unpack(ARGV, 9, 14)
local FIRST, WIDTH = 15, 17
local MOST_CALLS, MOST_CHANGES = 10000, 5
local PRIORITY_STEP = 2 ^ 44 -- more than an owner's log has events
local answers, fresh, fresh_count = {}, {}, 0

-- Where Redis has no memory left it refuses the first write that may need some, and none after that. So
-- such a write comes first, which changes nothing: no job is accepted that there is no room for.
redis.call('SETRANGE', QUEUED .. ':room', 0, '')

-- Return the id of a job that another is to be after, or nothing.
local function referred(reference)
  local key = string.match(reference, '^key:(.*)$')
  if not key then return redis.call('EXISTS', job_key(owner, reference)) == 1 and reference end
  local name = owner_key(owner, 'key:' .. key)
  local known = fresh[name] or redis.call('GET', name)
  return known and string.sub(known, 1, 32)
end

local calls_key = owner_key(owner, 'calls')

-- Return the name of a call: of its key, of the jobs that it is given, and of how often it was forgotten.
local function call_of(identity, task, others)
  local times = redis.call('HMGET', owner_key(owner, 'forgotten'), '', task)
  local whole = (times[1] or 0) .. ' ' .. (times[2] or 0) .. ' ' .. identity.key .. ' ' .. table.concat(others, ' ')
  return owner_key(owner, 'call:' .. redis.sha1hex(whole))
end

-- Return the id of the job that stands for a call, or nothing; it is kept on from now.
local function recalled(call)
  local id = redis.call('GET', call)
  if not id then return end
  local job = job_key(owner, id)
  local known = redis.call('HMGET', job, 'state', 'media_type')
  if known[1] == 'succeeded' then
    if known[2] and redis.call('EXISTS', job .. ':result') == 0 then return end
    expire(owner, id, nil, nil, true) -- what went of its arguments went when it ended
    redis.call('PEXPIRE', job .. ':result', RETENTION_MS)
  elseif known[1] ~= 'queued' and known[1] ~= 'running' then
    return
  end
  redis.call('ZADD', calls_key, NOW, call)
  return id
end

-- Return why a call runs, as JSON, or '': what differs from the last one that it is compared with.
local function rerun_of(identity)
  local why = {}
  if identity.is_renewed then why.is_renewed = true end
  if identity.unsure ~= '' then why.unsure = identity.unsure end
  if not next(why) then
    for _, topic in ipairs(identity.topics) do
      local id = redis.call('GET', owner_key(owner, 'topic:' .. topic))
      local text = id and redis.call('HGET', job_key(owner, id), 'identity')
      if text then
        local before, names = cjson.decode(text).parts, {}
        for name, mark in pairs(identity.parts) do
          if before[name] ~= mark then names[#names + 1] = name end
        end
        for name in pairs(before) do
          if not identity.parts[name] then names[#names + 1] = name end
        end
        table.sort(names)
        if names[1] then
          why.changes = {}
          for n = 1, math.min(#names, MOST_CHANGES) do
            local name = names[n]
            why.changes[n] = {part = name, before = before[name] or '', now = identity.parts[name] or ''}
          end
          why.more = math.max(0, #names - MOST_CHANGES)
        end
        break
      end
    end
  end
  return next(why) and cjson.encode(why) or ''
end

-- Have a job stand for its call, and others be compared with it.
local function remember(id, call, identity, text)
  redis.call('HSET', job_key(owner, id), 'call', call, 'identity', text)
  redis.call('SET', call, id)
  for _, topic in ipairs(identity.topics) do redis.call('SET', owner_key(owner, 'topic:' .. topic), id) end
  redis.call('ZADD', calls_key, NOW, call)
  redis.call('PEXPIRE', calls_key, keep_ms)
  local many = redis.call('ZCARD', calls_key) - MOST_CALLS
  if many > 0 then
    for _, old in ipairs(redis.call('ZRANGE', calls_key, 0, math.min(many, 100) - 1)) do
      redis.call('ZREM', calls_key, old)
      redis.call('DEL', old)
    end
  end
end

local taken = {}
local after, identities, calls, fresh_calls = {}, {}, {}, {}
for at = FIRST, #ARGV, WIDTH do
  local key, id, digest = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local name = owner_key(owner, 'key:' .. key)
  local known = fresh[name] or redis.call('GET', name)
  if not known then
    after[at] = {}
    for reference in string.gmatch(ARGV[at + 12], '%S+') do
      local other = referred(reference)
      if not other then return {'unknown', reference} end
      table.insert(after[at], other)
    end
    local there
    if ARGV[at + 16] ~= '' then
      identities[at] = cjson.decode(ARGV[at + 16])
      if identities[at].key ~= '' then
        calls[at] = call_of(identities[at], ARGV[at + 3], after[at])
        there = fresh_calls[calls[at]] or not identities[at].is_renewed and recalled(calls[at])
      end
    end
    local shipped = ARGV[at + 5]
    if not there and shipped ~= '' and
      redis.call('PEXPIRE', owner_key(owner, 'function:' .. shipped), keep_ms) == 0 then
      return {'missing', shipped}
    end
    fresh[name] = (there or id) .. ' ' .. digest
    if there then
      taken[at] = fresh[name]
    else
      fresh_count = fresh_count + 1
      if calls[at] then fresh_calls[calls[at]] = id end
    end
  elseif string.sub(known, 34) ~= digest then
    return {'reused', key}
  end
end

-- Who has as many jobs queued as it may must wait.
local most = tonumber(redis.call('HGET', LIMITS, 'queued'))
if most and fresh_count > 0 then
  local here = 0
  for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do here = here + counted(owner, queue, 'queued') end
  if here + fresh_count > most then return {'full', most, here} end
end

-- What scripts need of a job's options, beside the options themselves. Its place in its session's list
-- outlives it by as long as a function does.
local function keep_options(job, id, seq, score, text, retries_timeout, lane, needs)
  local options = cjson.decode(text)
  redis.call('HSET', job, 'options', text)
  if lane ~= '' then
    redis.call('HSET', job, 'queue', lane)
    if options.cpus then redis.call('HSET', job, 'cpus', options.cpus) end
    if options.memory_mib then redis.call('HSET', job, 'memory_mib', options.memory_mib) end
    redis.call('HSETNX', lanes().needs, lane, needs)
  elseif options.queue then
    redis.call('HSET', job, 'queue', options.queue)
  end
  if options.priority then
    redis.call('HSET', job, 'rank', string.format('%.0f', seq - options.priority * PRIORITY_STEP))
  end
  if options.retries then redis.call('HSET', job, 'retries', options.retries) end
  if options.timeout_s then redis.call('HSET', job, 'timeout_ms', math.floor(options.timeout_s * 1000)) end
  redis.call('HSET', job, 'retries_timeout', retries_timeout)
  if options.session then
    local session = owner_key(owner, 'session:' .. options.session)
    redis.call('ZADD', session, score, id)
    redis.call('PEXPIRE', session, keep_ms)
  end
end

-- Have a new job wait for others. Returns how many of them are not final, and one that has failed.
local function wait_for(id, others)
  local waits, failed, seen = 0, nil, {}
  for _, other in ipairs(others) do
    local state = redis.call('HGET', job_key(owner, other), 'state')
    if state == 'failed' or state == 'cancelled' then
      failed = failed or other
    elseif state ~= 'succeeded' and not seen[other] then
      waits = waits + 1
      redis.call('RPUSH', job_key(owner, other) .. ':waiting', id)
    end
    seen[other] = true
  end
  redis.call('HSET', job_key(owner, id), 'after', table.concat(others, ' '), 'waits', waits)
  return waits, failed
end

for at = FIRST, #ARGV, WIDTH do
  local key, id, digest = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local name = owner_key(owner, 'key:' .. key)
  local known = redis.call('GET', name)
  if not known and taken[at] then
    known = taken[at]
    redis.call('SET', name, known, 'PX', keep_ms)
  end
  if known then
    local there = string.sub(known, 1, 32)
    local is_own = redis.call('HGET', job_key(owner, there), 'key') == key
    answers[#answers + 1] = {there, 0, 0, 0, '', is_own and '' or 'recalled'}
  else
    local job, options, message = job_key(owner, id), ARGV[at + 9], ARGV[at + 11]
    redis.call('SET', name, id .. ' ' .. digest)
    local others, event = after[at], ARGV[at + 8]
    if others[1] then event = string.sub(event, 1, -2) .. ',"after":' .. cjson.encode(others) .. '}' end
    local rerun = identities[at] and rerun_of(identities[at]) or ''
    if rerun ~= '' then event = string.sub(event, 1, -2) .. ',"rerun":' .. rerun .. '}' end
    local seq = record(owner, 'job_submitted', id, event)
    local fields = {'state', 'queued', 'seq', seq, 'created_at', NOW, 'attempt', 0, 'key', key, 'task',
      ARGV[at + 3], 'rank', seq}
    local function add(...)
      for _, part in ipairs({...}) do fields[#fields + 1] = part end
    end
    if ARGV[at + 5] == '' then
      add('arguments', ARGV[at + 4])
    else
      add('function', ARGV[at + 5], 'payload', ARGV[at + 6], 'python', ARGV[at + 7])
    end
    if ARGV[at + 13] ~= '' then add('blobs', ARGV[at + 13]) end
    local is_sent = not others[1] and message ~= ''
    if is_sent then add('published', 1, 'published_at', NOW) end
    if rerun ~= '' then add('rerun', rerun) end
    redis.call('HSET', job, unpack(fields))
    if calls[at] then remember(id, calls[at], identities[at], ARGV[at + 16]) end
    -- Newest first, also within a millisecond: 41 bits of time and 12 of order fit a double.
    keep_blobs(owner, ARGV[at + 13], NOW + keep_ms)
    local score = NOW + (seq % 4096) / 4096
    redis.call('ZADD', owner_key(owner, 'jobs'), score, id)
    if options ~= '' then keep_options(job, id, seq, score, options, ARGV[at + 10], ARGV[at + 14], ARGV[at + 15]) end
    if ARGV[at + 14] ~= '' and message ~= '' then redis.call('HSET', lanes().wakes, base_of(ARGV[at + 14]), message) end
    moved(owner, id, nil, 'queued')
    local waits, failed = 0, nil
    if others[1] then waits, failed = wait_for(id, others) end
    if failed then
      fail(owner, id, needed(owner, failed))
    elseif waits > 0 then
      if message ~= '' then
        redis.call('HSET', job, 'message', message, 'republish_ms', republish_ms)
      end
    else
      redis.call('ZADD', QUEUED, NOW + (message ~= '' and republish_ms or grace_ms), owner .. ' ' .. id)
      line_up(owner, id, true)
      if message ~= '' then
        if not is_sent then redis.call('HSET', job, 'published', 1, 'published_at', NOW) end
        local queue = queue_of(owner, id)
        -- For a worker that finds that it does not fit, and gives the job back into a lane.
        redis.call('HSETNX', PREFIX .. 'lanes:wakes', base_of(queue), message)
        local whose, which = hand_over(queue, begin_row, lease_ms)
        -- Handed over may be another one that was in line before it.
        if whose ~= owner or which ~= id then
          if is_lane(queue) then lanes().notify(queue) else redis.call('LPUSH', broker_key(queue), message) end
        end
      end
    end
    answers[#answers + 1] = {id, 1, seq, NOW, table.concat(others, ' '), rerun}
  end
end
return answers
