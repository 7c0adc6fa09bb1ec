-- Let a log begin anew under another epoch, if its epoch is still this one. ARGV: log, epoch. Its count
-- goes on; what it held is known to some readers as something else.
local log = log_key(ARGV[9])
if redis.call('HGET', log .. ':meta', 'epoch') == ARGV[10] then
  redis.call('HSET', log .. ':meta', 'epoch', NEW_EPOCH)
  redis.call('DEL', log)
end
