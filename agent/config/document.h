// A configuration file's YAML as a tree in which every node knows its line. Written for input that
// nobody vouches for: size, depth and node count are bounded, aliases and tags are refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clew {

inline constexpr size_t kMaxConfigBytes = 1u << 20;
inline constexpr int kMaxConfigDepth = 16;
inline constexpr size_t kMaxConfigNodes = 100'000;

struct YamlEntry;

struct YamlNode {
  enum class Kind : uint8_t { Null, Scalar, List, Map };
  Kind kind = Kind::Null;
  int line = 1;
  std::string text;                ///< Scalar
  std::vector<YamlNode> items;     ///< List
  std::vector<YamlEntry> entries;  ///< Map, in the file's order, keys unique
};

struct YamlEntry {
  std::string key;
  int line = 1;
  YamlNode value;
};

/// One thing wrong in a file; line counts from 1.
struct ConfigError {
  int line = 1;
  std::string message;
};

/// Parses one YAML document; an empty text is a Null node. Whatever is wrong is appended to
/// `errors`. Duplicate keys are left out of the tree; after any other error the tree is a Null
/// node. Never throws.
YamlNode parse_yaml(std::string_view text, std::vector<ConfigError>& errors);

}  // namespace clew
