-- wrk script: every request has a path of its own, /THREAD-COUNT.
-- Its arguments: how many requests go out in one write (HTTP pipelining), 1 if left out; what paths begin
-- with, "/" if left out.
local threads = 0

function setup(thread)
  thread:set("thread_id", threads)
  threads = threads + 1
end

function init(args)
  depth = tonumber(args[1] or 1)
  prefix = args[2] or "/"
  count = 0
end

function request()
  local batch = {}
  for i = 1, depth do
    count = count + 1
    batch[i] = wrk.format("GET", prefix .. thread_id .. "-" .. count)
  end
  return table.concat(batch)
end
