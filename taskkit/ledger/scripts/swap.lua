-- Put a copy in the place of the ledger. ARGV: the prefix of the copy, whether jobs may be overwritten.
-- Returns how many owners have jobs where they may not, and has done nothing then; else 0.
local staging, may_overwrite = ARGV[9], ARGV[10] == '1'

local function keys(prefix, rest)
  return redis.call('KEYS', string.gsub(prefix, '[*?%[%]\\^]', '\\%0') .. rest)
end

if not may_overwrite then
  local owners = 0
  for _, key in ipairs(keys(PREFIX, 'u:*:jobs')) do
    if string.match(string.sub(key, #PREFIX + 1), '^u:[^:]+:jobs$') then owners = owners + 1 end
  end
  if owners > 0 then return owners end
end
for _, key in ipairs(keys(PREFIX, '*')) do redis.call('UNLINK', key) end
for _, key in ipairs(keys(staging, '*')) do
  redis.call('RENAME', key, PREFIX .. string.sub(key, #staging + 1))
end
return 0
