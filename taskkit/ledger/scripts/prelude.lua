-- What every script begins with. ARGV[1] is the key prefix, ARGV[2] a random name for a log that does
-- not exist yet, ARGV[3] about how many events a log keeps. Arguments of the script itself follow.
local PREFIX, NEW_EPOCH, LOG_EVENTS = ARGV[1], ARGV[2], ARGV[3]

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local NOW = now_ms()

-- Key names; `keys.py` has the same ones.
local function owner_key(owner, name) return PREFIX .. 'u:' .. owner .. ':' .. name end
local function job_key(owner, id) return owner_key(owner, 'job:' .. id) end
local function log_key(owner) return owner_key(owner, 'log') end
local QUEUED, LEASES, WORKERS = PREFIX .. 'queued', PREFIX .. 'leases', PREFIX .. 'workers'
local function worker_key(name) return PREFIX .. 'worker:' .. name end
local function worker_leases_key(name) return PREFIX .. 'worker:' .. name .. ':leases' end

-- A lease is written "owner id token" wherever it is a member of a set.
local function split(lease) return string.match(lease, '^(%S+) (%S+) (%d+)$') end

-- A row of the transition table is written "before=after;before=after".
local function next_state(row, state) return string.match(';' .. row, ';' .. state .. '=(%a+)') end

-- Append one event and return its place in the log.
local function record(owner, kind, job, data)
  local log = log_key(owner)
  local meta = log .. ':meta'
  redis.call('HSETNX', meta, 'epoch', NEW_EPOCH)
  local epoch = redis.call('HGET', meta, 'epoch')
  local seq = redis.call('HINCRBY', meta, 'seq', 1)
  redis.call('XADD', log, 'MAXLEN', '~', LOG_EVENTS, seq .. '-0',
    'e', epoch, 't', kind, 'j', job, 'a', NOW, 'd', data)
  return seq
end

-- Let everything that belongs to a final job live for `retention_ms` more.
local function expire(owner, id, retention_ms)
  local key = job_key(owner, id)
  local idempotency_key = redis.call('HGET', key, 'key')
  redis.call('HDEL', key, 'payload')
  for _, name in ipairs({key, key .. ':output', key .. ':result',
    owner_key(owner, 'key:' .. idempotency_key)}) do
    redis.call('PEXPIRE', name, retention_ms)
  end
end

-- End an attempt without an outcome; return whether its lease was valid.
local function lose(lease, cause, max_attempts, retention_ms)
  local owner, id, token = split(lease)
  local key = job_key(owner, id)
  local job = redis.call('HMGET', key, 'state', 'attempt', 'lost')
  redis.call('ZREM', LEASES, lease)
  if job[1] ~= 'running' or job[2] ~= token then return false end
  local attempt = tonumber(token)
  local seq = record(owner, 'attempt_lost', id, cjson.encode({attempt = attempt, cause = cause}))
  local lost = (job[3] or '') .. attempt .. '\t' .. NOW .. '\t' .. cause .. '\n'
  redis.call('HSET', key, 'state', 'queued', 'seq', seq, 'lost', lost)
  redis.call('HDEL', key, 'started_at', 'published', 'published_at')
  if attempt < max_attempts then
    redis.call('ZADD', QUEUED, NOW, owner .. ' ' .. id)
    return true
  end
  local causes = {}
  for number, _, why in string.gmatch(lost, '(%d+)\t(%d+)\t([^\n]*)\n') do
    causes[#causes + 1] = 'attempt ' .. number .. ': ' .. why
  end
  local message = 'every attempt died without an outcome (' .. table.concat(causes, '; ') .. ')'
  local failure = {type = 'taskkit.JobLost', message = message, traceback = ''}
  seq = record(owner, 'job_failed', id, cjson.encode({error = failure}))
  redis.call('HSET', key, 'state', 'failed', 'seq', seq, 'finished_at', NOW,
    'error', cjson.encode(failure))
  expire(owner, id, retention_ms)
  return true
end

-- Take a worker off the list and give its attempts to others.
local function leave(name, reason, max_attempts, retention_ms)
  if redis.call('ZREM', WORKERS, name) == 0 then return end
  local held = redis.call('HKEYS', worker_leases_key(name))
  for _, lease in ipairs(held) do
    lose(lease, 'worker ' .. name .. ' left: ' .. reason, max_attempts, retention_ms)
  end
  redis.call('DEL', worker_key(name), worker_leases_key(name), PREFIX .. 'wake:' .. name)
  record('@workers', 'worker_left', '', cjson.encode({worker = name, reason = reason}))
end
