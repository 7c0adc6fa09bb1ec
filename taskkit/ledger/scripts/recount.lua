-- Count the final jobs of a stretch of an owner's list. ARGV: owner, the place to go on from or '', how many
-- jobs are looked at, and for how many ms nobody else shall begin. Returns the place of the next stretch, or
-- nothing at the end, or where somebody has begun a moment ago.
local owner, place, most, pause_ms = unpack(ARGV, 9, 12)
local jobs = owner_key(owner, 'jobs')
if place == '' and not redis.call('SET', owner_key(owner, 'recounted'), 1, 'NX', 'PX', pause_ms) then return false end
local from = place == '' and '-inf' or '(' .. place
local listed = redis.call('ZRANGEBYSCORE', jobs, from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for at = 1, #listed, 2 do
  local id = listed[at]
  local key = job_key(owner, id)
  local state, left_ms = redis.call('HGET', key, 'state'), redis.call('PTTL', key)
  if not state then
    redis.call('ZREM', jobs, id)
  elseif left_ms > 0 then -- only what is final passes
    redis.call('ZADD', final_key(owner, state), NOW + left_ms, id)
  end
end
return listed[#listed] or false
