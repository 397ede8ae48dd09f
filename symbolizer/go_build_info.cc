#include "symbolizer/go_build_info.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace clew {
namespace {

using namespace std::string_view_literals;

constexpr auto kMagic = "\xff Go buildinf:"sv;
constexpr size_t kFlagsAt = 15;
constexpr uint8_t kInlineStrings = 2;
constexpr size_t kHeaderSize = 32;
// The linker puts 16 bytes before and 16 behind the module's text, to find it in memory.
constexpr size_t kMarkSize = 16;
constexpr size_t kMaxText = 512;

std::optional<uint64_t> take_varint(std::string_view& rest) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 63 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    value |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

// As much of it as there is.
std::string_view take_string(std::string_view& rest) {
  const auto length = take_varint(rest);
  if (!length) return {};
  const auto text = rest.substr(0, *length);
  rest.remove_prefix(text.size());
  return text;
}

bool is_plain(std::string_view text) {
  return text.size() <= kMaxText &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// The first field of the line that begins with `key`. A line that the cut may have shortened does
// not count.
std::string_view field_of(std::string_view lines, std::string_view key) {
  for (size_t end = lines.find('\n'); end != std::string_view::npos; end = lines.find('\n')) {
    auto line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    return line.substr(0, line.find('\t'));
  }
  return {};
}

}  // namespace

GoBuildInfo parse_go_build_info(ByteView content) {
  GoBuildInfo info;
  auto rest = as_text(content);
  if (rest.size() < kHeaderSize || !rest.starts_with(kMagic)) return info;
  if ((content[kFlagsAt] & kInlineStrings) == 0) return info;
  rest.remove_prefix(kHeaderSize);
  const auto version = take_string(rest);
  if (rest.empty() || !is_plain(version)) return info;
  info.version = version;
  auto lines = take_string(rest);
  lines.remove_prefix(std::min(lines.size(), kMarkSize));
  auto module = field_of(lines, "mod\t");
  if (module.empty()) module = field_of(lines, "path\t");
  if (is_plain(module)) info.module = module;
  return info;
}

}  // namespace clew
