
-- Lanes: the parts of a queue for jobs that need more than the queue, "QUEUE~DIGEST", one for each kind of
-- needs. A lane has a line and turns like a queue's own; who was served and how many run is the queue's. A
-- worker serves the lanes that it fits: `serve` says which. Wake-ups of a lane go to a list of one worker
-- that serves it. While no job has needs, which the field `needy` of LIMITS tells, nothing of
-- this is asked, nor made: a script that makes no functions which it does not call is a tenth faster.

local function base_of(queue)
  local at = string.find(queue, '~', 1, true)
  return at and string.sub(queue, 1, at - 1) or queue
end

local function is_lane(queue) return string.find(queue, '~', 1, true) ~= nil end

local function are_needy() return tonumber(redis.call('HGET', LIMITS, 'needy') or 0) > 0 end

local made_lanes

local function lanes()
  if made_lanes then return made_lanes end
  local LANES, LANES_USED, LANES_JOBS = PREFIX .. 'lanes', PREFIX .. 'lanes:used', PREFIX .. 'lanes:jobs'
  local WAKES = PREFIX .. 'lanes:wakes'
  local MOST_ASKED = 32 -- workers of a lane that are looked at, to find one that is idle

  local function lane_workers_key(lane) return PREFIX .. 'lane:' .. lane .. ':workers' end
  local function lane_saver_key(lane) return PREFIX .. 'lane:' .. lane .. ':saver' end
  local function worker_lanes_key(worker) return PREFIX .. 'worker:' .. worker .. ':lanes' end
  local function parked_key(worker) return PREFIX .. 'worker:' .. worker .. ':parked' end
  local function own_queue_key(worker) return 'taskkit.jobs.@' .. worker end -- `protocol/broker.py` has it

  local made = 0

  -- Return a wake-up for a queue, like the one that was written for a job there; nothing where none was.
  local function wake_up(queue)
    local like = redis.call('HGET', WAKES, queue)
    local id = like and string.match(like, '"id": ?"(%x+)"')
    if not id then return end
    made = made + 1
    return (string.gsub(like, id, NEW_EPOCH .. string.format('%016x', made)))
  end

  -- Return how many slots and how much memory a worker has left, and how many slots it has. One that does
  -- not say has all that is wanted.
  local function room_of(worker)
    local has = redis.call('HMGET', worker_key(worker), 'slots', 'cores', 'memory_mib')
    local slots, cores, memory = tonumber(has[1]), tonumber(has[2]), tonumber(has[3])
    local room = {slots = slots or math.huge, cores = cores, memory = memory or math.huge, of = slots}
    for _, lease in ipairs(redis.call('HKEYS', worker_leases_key(worker))) do
      local owner, id = split(lease)
      local takes = redis.call('HMGET', job_key(owner, id), 'cpus', 'memory_mib')
      room.slots = room.slots - (tonumber(takes[1]) and slots and cores
        and math.min(slots, math.max(1, math.ceil(takes[1] * slots / cores))) or 1)
      room.memory = room.memory - (tonumber(takes[2]) or 0)
    end
    return room
  end

  local function has_room(room, cpus, memory)
    local slots = 1
    if cpus and room.of and room.cores then
      slots = math.min(room.of, math.max(1, math.ceil(cpus * room.of / room.cores)))
    end
    return room.slots >= slots and room.memory >= (memory or 0)
  end

  -- Send a wake-up to one worker that serves a lane and is idle, best to one that has room for its next job.
  -- Where none is, the first that is takes the job by itself.
  local function notify(lane)
    local message = wake_up(base_of(lane))
    if not message then return false end
    local needs = cjson.decode(redis.call('HGET', LANES, lane) or '{}')
    local second
    for _, worker in ipairs(redis.call('SRANDMEMBER', lane_workers_key(lane), MOST_ASKED)) do
      if not redis.call('ZSCORE', WORKERS, worker) then
        redis.call('SREM', lane_workers_key(lane), worker)
      else
        local processes = tonumber(redis.call('HGET', worker_key(worker), 'slots') or 0)
        local taken = redis.call('HLEN', worker_leases_key(worker))
          + redis.call('LLEN', own_queue_key(worker))
        if taken < processes then
          if has_room(room_of(worker), needs.cpus, needs.memory_mib) then
            redis.call('LPUSH', own_queue_key(worker), message)
            return true
          end
          second = second or worker
        end
      end
    end
    if second then redis.call('LPUSH', own_queue_key(second), message) end
    return second ~= nil
  end

  -- Send a worker that is idle a wake-up if a lane of its has a job in line and none is on its way.
  local function notify_worker(worker)
    local processes = tonumber(redis.call('HGET', worker_key(worker), 'slots') or 0)
    if redis.call('HLEN', worker_leases_key(worker)) >= processes then return end
    if redis.call('LLEN', own_queue_key(worker)) > 0 then return end
    for _, lane in ipairs(redis.call('SMEMBERS', worker_lanes_key(worker))) do
      if redis.call('EXISTS', turns_key(lane)) == 1 then
        local message = wake_up(base_of(lane))
        if message then redis.call('LPUSH', own_queue_key(worker), message) end
        return
      end
    end
  end

  -- Take a worker out of its lanes, for good.
  local function leave_lanes(worker)
    for _, lane in ipairs(redis.call('SMEMBERS', worker_lanes_key(worker))) do
      redis.call('SREM', lane_workers_key(lane), worker)
    end
    redis.call('DEL', worker_lanes_key(worker), parked_key(worker), own_queue_key(worker),
      '_kombu.binding.taskkit.jobs.@' .. worker)
  end

  made_lanes = {
    needs = LANES, used = LANES_USED, jobs = LANES_JOBS, wakes = WAKES,
    workers_key = lane_workers_key, saver_key = lane_saver_key, of_worker_key = worker_lanes_key,
    parked_key = parked_key, wake_up = wake_up, room_of = room_of, has_room = has_room,
    notify = notify, notify_worker = notify_worker, leave = leave_lanes,
  }
  return made_lanes
end
