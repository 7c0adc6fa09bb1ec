-- Begin the job whose turn it is in a queue. ARGV: queue, worker, pid, row, lease_ms, whether the process has
-- waited for room. Returns an order, or nothing; or 'full' where the worker has no room for a job now. A process
-- that holds a job gets that one again.
local queue, worker, pid, row, lease_ms, has_waited = unpack(ARGV, 9, 14)
local held = held_by(worker, pid)
if held then return held end
local following, is_full = next_of(queue, worker, pid, row, lease_ms)
if following or not is_full then return following end
-- It came by a wake-up, which another worker may have a use for.
if has_waited == '0' and redis.call('EXISTS', turns_key(queue)) == 1 then
  local message = lanes().wake_up(queue)
  if message then redis.call('RPUSH', broker_key(queue), message) end
end
redis.call('SADD', lanes().parked_key(worker), pid)
return 'full'
