-- wrk script: POSTs of 100 bytes of JSON, round robin over the streams PATH-0 ... PATH-(N-1).
-- Arguments after "--": PATH N. Prints one line of JSON at the end.
local requests = {}
local next_request = 0

function init(args)
  local path, streams = args[1], tonumber(args[2])
  local body = '{"m":"' .. string.rep("x", 92) .. '"}'
  local headers = { ["Content-Type"] = "application/json" }
  for i = 0, streams - 1 do
    requests[i] = wrk.format("POST", path .. "-" .. i, headers, body)
  end
end

function request()
  local this = requests[next_request]
  next_request = next_request + 1
  if requests[next_request] == nil then
    next_request = 0
  end
  return this
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"bad_status":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
