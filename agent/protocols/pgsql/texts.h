// The statements' texts of one connection: each is read once, while it is prepared, on its way, or
// was lately used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/protocols/settings.h"
#include "agent/protocols/sql/statement.h"
#include "exporter/attributes.h"

namespace clew::pgsql {

/// Of a text; 0 is none.
using TextId = uint32_t;
constexpr TextId kNoText = 0;

/// Charged for the texts of one connection together.
constexpr size_t kMaxTextBytes = 2 * 1024 * 1024;
/// Texts no longer used that are kept for the next time, and how long they may be.
constexpr size_t kCachedTexts = 16;
constexpr size_t kMaxCachedText = 1024;

/// What spans say of a text.
struct Text {
  std::string raw;         ///< its beginning
  std::string summary;     ///< span name
  std::string operation;   ///< of the first statement
  std::string attributes;  ///< encoded: all that the text alone tells
  uint32_t statements = 0;
};

/// Texts are counted references: whoever got one from acquire() or share() gives it back.
class Texts {
 public:
  explicit Texts(StatementText shown) : shown_(shown) {}

  /// `raw` is the beginning of a text of `length` bytes. kNoText if there is no room.
  TextId acquire(std::string_view raw, size_t length);
  TextId share(TextId id) {
    if (id != kNoText) ++entries_[id].references;
    return id;
  }
  void release(TextId id);
  /// Replaces what `to` refers to.
  void assign(TextId& to, TextId from) {
    share(from);
    release(to);
    to = from;
  }
  void reset(TextId& id) {
    release(id);
    id = kNoText;
  }
  const Text& operator[](TextId id) const { return entries_[id].text; }
  /// Charged, with what is kept for the next time.
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Text text;
    size_t hash = 0, length = 0, charged = 0;
    uint32_t references = 0;
    TextId next_free = kNoText;
  };

  void read(Entry& entry, std::string_view raw, size_t length);
  bool matches(const Entry& entry, std::string_view raw, size_t hash, size_t length) const;
  void keep(TextId id);
  TextId take_free();
  void drop_cached();

  StatementText shown_;
  std::vector<Entry> entries_;  // the first is no text
  std::vector<TextId> cached_;  // by hash; empty until the first text
  TextId free_ = kNoText;
  size_t bytes_ = 0;
  sql::Statement statement_;
  AttributeWriter writer_;
};

}  // namespace clew::pgsql
