#include "agent/protocols/registry.h"

#include "agent/protocols/http1/parser.h"
#include "agent/protocols/http1/spans.h"
#include "agent/protocols/pgsql/parser.h"
#include "agent/protocols/pgsql/spans.h"
#include "agent/protocols/redis/parser.h"
#include "agent/protocols/redis/spans.h"

namespace clew {
namespace {

constexpr Protocol kProtocols[] = {
    {.name = "http",
     .detect = http1::detect,
     .detection_limit = http1::kDetectBytes,
     .open = http1::open_session},
    {.name = "postgresql",
     .detect = pgsql::detect,
     .detection_limit = pgsql::kDetectBytes,
     .open = pgsql::open_session},
    {.name = "redis",
     .detect = redis::detect,
     .detection_limit = redis::kDetectBytes,
     .open = redis::open_session},
};

}  // namespace

std::span<const Protocol> protocols() {
  return kProtocols;
}

}  // namespace clew
