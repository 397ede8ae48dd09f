// The protocols that clew knows. No other file lists them.
#pragma once

#include <span>

#include "agent/protocols/protocol.h"

namespace clew {

/// In the order in which they are to be asked. The rows live for ever.
std::span<const Protocol> protocols();

}  // namespace clew
