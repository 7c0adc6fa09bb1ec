-- Agree with all who use this ledger on the form of its keys. ARGV: the form that the caller writes, the
-- oldest that it reads, the oldest code that can read what it writes, and for how many ms final jobs
-- shall be kept, or ''. Returns {form, needed} as they were; nothing is written where these two do not go
-- together with the caller. A ledger from before there was a stamp has form 0.
local mine, oldest, needed = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local stamp = PREFIX .. 'schema'
local found = redis.call('HMGET', stamp, 'form', 'needed')
local form, needs = tonumber(found[1] or 0), tonumber(found[2] or 0)
if needs > mine or form < oldest then return {form, needs} end
if form < mine then redis.call('HSET', stamp, 'form', mine, 'needed', needed) end
if ARGV[12] ~= '' then redis.call('SET', PREFIX .. 'retention_ms', ARGV[12]) end
return {form, needs}
