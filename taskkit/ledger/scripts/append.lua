-- Append events of a running attempt. ARGV: lease, number, keep_bytes, then for each event:
-- type, data, text (of output; else empty), its length in characters, row, the blobs it needs. Returns what became of it.
-- The field of the job's hash that keeps the last event of a kind.
local SAID = {progress_reported = 'progress', curves_reported = 'curves', usage_reported = 'usage',
  figures_displayed = 'figures'}
local lease, number, keep = ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local owner, id, token = split(lease)
local key = job_key(owner, id)
local job = redis.call('HMGET', key, 'state', 'attempt', 'writes')
if job[2] ~= token or job[1] ~= 'running' then return 'fenced' end
if number <= tonumber(job[3] or 0) then return 'repeated' end
local seq
for at = 12, #ARGV, 6 do
  local kind, data, text = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if not next_state(ARGV[at + 4], job[1]) then
    return redis.error_reply('ERR ' .. kind .. ' cannot follow ' .. job[1])
  end
  seq = record(owner, kind, id, data)
  if SAID[kind] then
    redis.call('HSET', key, SAID[kind], data)
    if kind == 'figures_displayed' then
      redis.call('HSET', key, 'figure_blobs', ARGV[at + 5])
      keep_blobs(owner, ARGV[at + 5], NOW + 2 * RETENTION_MS)
    end
  elseif kind == 'output_written' then
    local output = key .. ':output'
    if redis.call('APPEND', output, text) > 2 * keep then
      redis.call('SET', output, redis.call('GETRANGE', output, -keep, -1))
    end
    redis.call('HINCRBY', key, 'output_chars', ARGV[at + 3])
  end
end
redis.call('HSET', key, 'writes', number)
if seq then redis.call('HSET', key, 'seq', seq) end
return 'done'
