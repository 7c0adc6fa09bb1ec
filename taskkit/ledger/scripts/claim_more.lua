-- Begin further jobs that are like the one of a lease and whose turn it is. ARGV: lease, worker, pid, row,
-- lease_ms, how many at most, the share of its owner's queued jobs that they may be (one in so many), name of the
-- broker's task, how long after its keeper was called it is not called again in ms. Returns an order each. Those that the process holds besides, it gets again: the reply
-- that brought them was lost.
local lease, worker, pid, row, lease_ms, most, one_in, wake, watched_ms = unpack(ARGV, 9, 17)
local owner, id, token = split(lease)
local LIKE = {'task', 'function', 'options', 'queue'}

local orders = {}
local held = redis.call('HGETALL', worker_leases_key(worker))
for at = 1, #held, 2 do
  if held[at + 1] == pid and held[at] ~= lease then
    local whose, which, its = split(held[at])
    local job = redis.call('HMGET', job_key(whose, which), 'state', 'attempt')
    if job[1] == 'running' and job[2] == its then orders[#orders + 1] = order(whose, which, tonumber(its)) end
  end
end
if orders[1] then return orders end
local like = redis.call('HMGET', job_key(owner, id), 'state', 'attempt', unpack(LIKE))
if like[1] ~= 'running' or like[2] ~= token or are_needy() then return {} end

-- Return whether a job that waits is as like as can be seen: who has been lost once is begun alone.
local function is_like(which)
  local job = redis.call('HMGET', job_key(owner, which), 'attempt', 'after', unpack(LIKE))
  if job[1] ~= '0' or job[2] then return false end
  for at = 1, #LIKE do
    if job[at + 2] ~= like[at + 2] then return false end
  end
  return true
end

local queue = like[6] or DEFAULT_QUEUE
local running = tonumber(redis.call('HGET', LIMITS, 'running'))
for _ = 1, math.min(tonumber(most), math.floor(counted(owner, queue, 'queued') / one_in)) do
  local first = redis.call('ZRANGE', turns_key(queue), 0, 0, 'WITHSCORES')
  if first[1] ~= owner or (running and tonumber(first[2]) >= running * ONE_RUNNING) then break end
  local which = redis.call('ZRANGE', line_key(owner, queue), 0, 0)[1]
  local its = which and is_like(which) and begin(owner, which, worker, pid, row, lease_ms)
  if not its then break end
  orders[#orders + 1] = order(owner, which, its)
  take(queue, wake)
end
-- So that its keeper sees to it that they do not wait for long: told once in a while, it looks on by itself.
local told = orders[1] and redis.call('SET', worker_key(worker) .. ':watched', 1, 'NX', 'PX', watched_ms)
if told then
  redis.call('RPUSH', PREFIX .. 'wake:' .. worker, 1)
  redis.call('PEXPIRE', PREFIX .. 'wake:' .. worker, 60000)
end
return orders
