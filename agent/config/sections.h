// What the files that hold the table of keys share.
#pragma once

#include <span>
#include <utility>

#include "agent/config/keys.h"

namespace clew {

/// The rows below `capture`.
std::span<const ConfigKey> capture_keys();

template <typename T, typename Field>
Parsed<void> store(Parsed<T> value, Field& field) {
  if (!value) return std::unexpected(std::move(value).error());
  field = *std::move(value);
  return {};
}

}  // namespace clew
