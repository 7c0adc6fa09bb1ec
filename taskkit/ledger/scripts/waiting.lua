-- Processes that wait for a job, and what is handed to them. A queue has a list of those who do, "pid
-- worker", the longest first. Whether one does still, its own key says, which ends by itself: it holds
-- the queues that it waits in. Who is handed a job finds the order in a list of its own.

local MOST_HANDED = 65536 -- bytes of an order; of a longer one the process is only told that it has one

local function waiting_key(queue) return PREFIX .. 'queue:' .. queue .. ':waiting' end
local function waits_key(worker, pid) return PREFIX .. 'worker:' .. worker .. ':waits:' .. pid end
local function orders_key(worker, pid) return PREFIX .. 'worker:' .. worker .. ':orders:' .. pid end

local function sit_down(worker, pid, queues, for_ms)
  redis.call('SET', waits_key(worker, pid), table.concat(queues, ' '), 'PX', for_ms)
  for _, queue in ipairs(queues) do
    redis.call('LREM', waiting_key(queue), 0, pid .. ' ' .. worker)
    redis.call('RPUSH', waiting_key(queue), pid .. ' ' .. worker)
  end
end

local function get_up(worker, pid)
  local queues = redis.call('GETDEL', waits_key(worker, pid)) or ''
  for queue in string.gmatch(queues, '%S+') do
    redis.call('LREM', waiting_key(queue), 0, pid .. ' ' .. worker)
  end
end

-- Return whom of those that wait in a lane's queue the lane may be served by, the longest first.
local function waiting_for(lane)
  local queue = base_of(lane)
  for _, who in ipairs(redis.call('LRANGE', waiting_key(queue), 0, 63)) do
    local pid, worker = string.match(who, '^(%d+) (.*)$')
    if redis.call('SISMEMBER', lanes().of_worker_key(worker), lane) == 1
      and redis.call('EXISTS', waits_key(worker, pid)) == 1 and redis.call('ZSCORE', WORKERS, worker) then
      return who
    end
  end
end

-- Begin the job whose turn it is in a queue for who has waited longest for one, and tell it; return the
-- job's owner and id. Nothing where nobody waits: who of a worker that is gone does not.
local function hand_over(queue, row, lease_ms)
  while true do
    local who
    if is_lane(queue) then who = waiting_for(queue) else who = redis.call('LINDEX', waiting_key(queue), 0) end
    if not who then return end
    local pid, worker = string.match(who, '^(%d+) (.*)$')
    if redis.call('EXISTS', waits_key(worker, pid)) == 0 then
      redis.call('LPOP', waiting_key(queue))
    elseif not redis.call('ZSCORE', WORKERS, worker) then
      get_up(worker, pid)
    else
      local following = next_of(base_of(queue), worker, pid, row, lease_ms)
      if not following then return end
      local told = ''
      get_up(worker, pid)
      for _, part in ipairs(following) do
        part = tostring(part)
        told = told .. struct.pack('>I4', #part) .. part
      end
      redis.call('LPUSH', orders_key(worker, pid), #told <= MOST_HANDED and told or '')
      redis.call('PEXPIRE', orders_key(worker, pid), lease_ms)
      return following[1], following[2]
    end
  end
end

-- Tell the processes of a worker that wait for room, but for this one, to look again.
local function nudge(worker, own_pid)
  for _, pid in ipairs(redis.call('SMEMBERS', lanes().parked_key(worker))) do
    if pid ~= own_pid then
      redis.call('LPUSH', orders_key(worker, pid), '')
      redis.call('PEXPIRE', orders_key(worker, pid), 60000)
      redis.call('SREM', lanes().parked_key(worker), pid)
    end
  end
end
