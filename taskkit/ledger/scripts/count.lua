-- Count what happened since the last call. ARGV: how many events at most, bounds of waits and of runs in
-- ms (each list separated by spaces). Returns about how many events are left. Looks at logs that have moved
-- alone, so that it costs nothing where nothing happens, however many users there are.
-- The place up to which a log was counted is written in the same step as the counts, so that each event is
-- counted once whoever calls and whoever dies; a copy of the ledger that is restored has both.
local most, wait_bounds, run_bounds = tonumber(ARGV[9]), ARGV[10], ARGV[11]
local FIGURES, OWNERS = PREFIX .. 'figures', PREFIX .. 'figures:owners'
local READ, WAITING = PREFIX .. 'figures:read', PREFIX .. 'figures:waiting'
local EPOCHS = PREFIX .. 'figures:epochs' -- of the logs, as they were when they were read

local AT_ONCE = 500 -- so many logs

local added, left = {}, 0
local queued, begun = {}, {} -- "owner id" -> since when; what happened to it last is in one of both

local function add(name, by) added[name] = (added[name] or 0) + by end

local function list(text)
  local numbers = {}
  for number in string.gmatch(text, '%d+') do numbers[#numbers + 1] = tonumber(number) end
  return numbers
end
local WAITS, RUNS = list(wait_bounds), list(run_bounds)

local function observe(name, bounds, ms)
  ms = math.max(0, ms)
  local place = #bounds + 1
  for at, bound in ipairs(bounds) do
    if ms <= bound then place = at break end
  end
  add(name .. ':' .. place, 1)
  add(name .. ':sum_ms', ms)
end

local function kind_of(cause)
  local kinds = {
    {'^worker .* left: ', 'worker_left'}, {'^the lease ended', 'lease_ended'},
    {'^out of memory', 'out_of_memory'}, {'^its process ended with signal', 'signal'},
    {'^its process ended with exit code', 'exit'}, {'^its outcome could not', 'unreported'},
  }
  for _, one in ipairs(kinds) do
    if string.find(cause, one[1]) then return one[2] end
  end
  return 'other'
end

local FINAL = {job_succeeded = 'succeeded', job_failed = 'failed', job_cancelled = 'cancelled'}

local function tell(owner, kind, id, at, data)
  add(kind, 1)
  local ref = owner .. ' ' .. id
  if kind == 'job_submitted' then
    -- Nothing tells when a job is queued that has waited for others.
    if not string.find(data, '"after":', 1, true) then queued[ref], begun[ref] = at, nil end
  elseif kind == 'attempt_started' then
    queued[ref], begun[ref] = nil, true
    if string.find(data, '"attempt": ?1%D') then
      local job = redis.call('HMGET', job_key(owner, id), 'created_at', 'after')
      if job[1] and not job[2] then observe('wait', WAITS, at - job[1]) end
    end
  elseif FINAL[kind] then
    queued[ref], begun[ref] = nil, true
    local started = redis.call('HGET', job_key(owner, id), 'started_at')
    if started then observe('run:' .. FINAL[kind], RUNS, at - started) end
  elseif kind == 'attempt_lost' or kind == 'attempt_returned' or kind == 'attempt_failed' then
    queued[ref], begun[ref] = at, nil
    if kind == 'attempt_lost' then
      local is_json, said = pcall(cjson.decode, data)
      local cause = is_json and type(said) == 'table' and said.cause
      add('lost:' .. kind_of(type(cause) == 'string' and cause or ''), 1)
    end
  end
end

-- Count a log from where it was left; return how far that went.
local function follow(owner, read, head)
  if head < read then return head end -- it was lost, and began again
  local entries = redis.call('XRANGE', log_key(owner), (read + 1) .. '-0', '+', 'COUNT', most)
  local last = read
  for _, entry in ipairs(entries) do
    local seq = tonumber(string.match(entry[1], '^%d+'))
    if seq > last + 1 then add('missed', seq - last - 1) end
    last = seq
    local fields = {}
    for at = 1, #entry[2], 2 do fields[entry[2][at]] = entry[2][at + 1] end
    tell(owner, fields.t, fields.j, tonumber(fields.a), fields.d)
  end
  if #entries < most and last < head then -- the rest was trimmed, or another epoch began
    add('missed', head - last)
    last = head
  end
  most = most - #entries
  left = left + head - last
  return last
end

-- Return up to where a log of another epoch was counted: its numbers go on, or have begun again, and
-- may be as far as they were.
local function place_in(owner, before, read, head)
  if head < read then return 0 end
  local entry = redis.call('XRANGE', log_key(owner), read .. '-0', read .. '-0')[1]
  for at = 1, entry and #entry[2] or 0, 2 do
    if entry[2][at] == 'e' and entry[2][at + 1] ~= before then return 0 end
  end
  return read
end

local owners, places = redis.call('SRANDMEMBER', UNCOUNTED, AT_ONCE), {}
if #owners == 0 then return 0 end
left = redis.call('SCARD', UNCOUNTED) - #owners
local reads, known = redis.call('HMGET', READ, unpack(owners)), redis.call('HMGET', EPOCHS, unpack(owners))
for at, owner in ipairs(owners) do
  local meta = redis.call('HMGET', log_key(owner) .. ':meta', 'seq', 'epoch')
  local head, read = tonumber(meta[1] or 0), tonumber(reads[at] or 0)
  if known[at] and known[at] ~= meta[2] then read = place_in(owner, known[at], read, head) end
  if head ~= read and most <= 0 then
    left = left + math.abs(head - read)
  else
    places[owner] = {last = head == read and read or follow(owner, read, head), head = head, epoch = meta[2]}
  end
end
-- From here on only writes; where Redis has no memory left it refuses the first of them.
for owner, place in pairs(places) do
  redis.call('HSET', READ, owner, place.last)
  if place.epoch then redis.call('HSET', EPOCHS, owner, place.epoch) end
  if owner ~= '@workers' then redis.call('SADD', OWNERS, owner) end
  if place.last == place.head then redis.call('SREM', UNCOUNTED, owner) end
end
for name, by in pairs(added) do redis.call('HINCRBY', FIGURES, name, by) end
local waiting, over = {}, {}
for ref, at in pairs(queued) do
  waiting[#waiting + 1] = at
  waiting[#waiting + 1] = ref
end
for ref in pairs(begun) do over[#over + 1] = ref end
-- As many as the events of one call at most, which Lua has room for.
if #waiting > 0 then redis.call('ZADD', WAITING, unpack(waiting)) end
if #over > 0 then redis.call('ZREM', WAITING, unpack(over)) end
return left
