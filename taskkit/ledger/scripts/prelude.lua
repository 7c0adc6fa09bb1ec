-- What every script begins with: its arguments, the keys, the log. ARGV[1] is the key prefix, ARGV[2] a random name for a log that does
-- not exist yet, ARGV[3] about how many events a log keeps, ARGV[4] for how many ms a final job is kept,
-- ARGV[5] how many attempts may be lost, ARGV[6] and ARGV[7] a failed job's first and longest wait in ms,
-- ARGV[8] how many ms after its timeout an attempt is ended. The script's own arguments follow, from 9.
local PREFIX, NEW_EPOCH, LOG_EVENTS = ARGV[1], ARGV[2], ARGV[3]
-- What the server that started last was told holds for all, also for workers that were told nothing.
local RETENTION_MS = redis.call('GET', PREFIX .. 'retention_ms') or ARGV[4]
local MAX_LOST, FIRST_RETRY_MS, LONGEST_RETRY_MS = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local KILL_GRACE_MS = tonumber(ARGV[8])

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
local QUEUES, COUNTS, LIMITS = PREFIX .. 'queues', PREFIX .. 'counts', PREFIX .. 'limits'
local function line_key(owner, queue) return owner_key(owner, 'line:' .. queue) end
local function turns_key(queue) return PREFIX .. 'queue:' .. queue .. ':turns' end
local function served_key(queue) return PREFIX .. 'queue:' .. queue .. ':served' end
local function worker_key(name) return PREFIX .. 'worker:' .. name end
local function worker_leases_key(name) return PREFIX .. 'worker:' .. name .. ':leases' end

-- A lease is written "owner id token" wherever it is a member of a set.
local function split(lease) return string.match(lease, '^(%S+) (%S+) (%d+)$') end

-- A row of the transition table is written "before=after;before=after".
local function next_state(row, state) return string.match(';' .. row, ';' .. state .. '=(%a+)') end

local UNCOUNTED = PREFIX .. 'figures:uncounted' -- whose logs hold what `count` has not seen yet
local epochs = {} -- those that were asked for, by owner

-- Append one event and return its place in the log.
local function record(owner, kind, job, data)
  local log = log_key(owner)
  local meta = log .. ':meta'
  local is_first = not epochs[owner]
  local epoch = epochs[owner] or redis.call('HGET', meta, 'epoch')
  if not epoch then
    epoch = NEW_EPOCH
    redis.call('HSET', meta, 'epoch', epoch)
  end
  epochs[owner] = epoch
  local seq = redis.call('HINCRBY', meta, 'seq', 1)
  redis.call('XADD', log, 'MAXLEN', '~', LOG_EVENTS, seq .. '-0',
    'e', epoch, 't', kind, 'j', job, 'a', NOW, 'd', data)
  if is_first then redis.call('SADD', UNCOUNTED, owner) end
  return seq
end
