#include "agent/protocols/redis/line.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace clew::redis {

bool read_number(std::string_view text, int64_t& number) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

bool ends_in_line_end(ByteView bytes, uint64_t remaining) {
  if (remaining >= 2 && remaining - 2 < bytes.size() && bytes[remaining - 2] != '\r') return false;
  return remaining - 1 >= bytes.size() || bytes[remaining - 1] == '\n';
}

bool Line::read(ByteView& bytes) {
  if (done_) {
    size_ = 0;
    done_ = cut_ = false;
    last_ = 0;
  }
  const void* found = bytes.empty() ? nullptr : std::memchr(bytes.data(), '\n', bytes.size());
  const size_t size =
      found ? static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data()) : bytes.size();
  std::string_view part = as_text(bytes.first(size));
  bytes = bytes.subspan(size + (found != nullptr ? 1 : 0));
  if (found != nullptr) {
    has_return_ = (part.empty() ? last_ : part.back()) == '\r';
    done_ = true;
  }
  if (size_ == 0 && found != nullptr && part.size() <= kMaxLine) {
    text_ = part.substr(0, part.size() - (has_return_ ? 1 : 0));
    return true;
  }
  if (!part.empty()) last_ = part.back();
  const size_t kept = std::min(part.size(), kMaxLine - size_);
  std::copy_n(part.begin(), kept, kept_.data() + size_);
  size_ = static_cast<uint8_t>(size_ + kept);
  cut_ = cut_ || kept < part.size();
  if (found == nullptr) return false;
  text_ = {kept_.data(), size_};
  if (!cut_ && has_return_) text_.remove_suffix(1);
  return true;
}

}  // namespace clew::redis
