-- Have a process wait no more. ARGV: worker, pid, row, lease_ms, the queue and the text of a wake-up that it
-- took or ''. Returns the order of the job that was handed to it until now, else of the one whose turn it
-- is in the wake-up's queue, or nothing; or 'full' where its worker has no room for a job now.
local worker, pid, row, lease_ms, queue, message = unpack(ARGV, 9, 14)
get_up(worker, pid)
redis.call('DEL', orders_key(worker, pid))
local held = held_by(worker, pid)
-- It was woken for another job than it has now: that wake-up is for somebody else.
if held and message ~= '' then redis.call('RPUSH', broker_key(queue), message) end
if held or queue == '' then return held end
local following, is_full = next_of(queue, worker, pid, row, lease_ms)
if following or not is_full then return following end
if redis.call('EXISTS', turns_key(queue)) == 1 then redis.call('RPUSH', broker_key(queue), message) end
redis.call('SADD', lanes().parked_key(worker), pid)
return 'full'
