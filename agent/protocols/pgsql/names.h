// Prepared statements, or portals, of one connection by name: what they were asked to be, and what
// the server has made of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/protocols/pgsql/texts.h"

namespace clew::pgsql {

using NameId = uint32_t;
/// Of a name that is not kept: it is too long, or there are too many.
constexpr NameId kNoName = ~NameId{0};
constexpr size_t kMaxNames = 1024;

/// Holds up to kMaxNames; then the one not used for longest is forgotten. Texts are returned to
/// `texts`, which must outlive this.
class Names {
 public:
  struct Slot {
    std::string name;
    /// What the requests so far make of it, if the server does as they say.
    TextId asked = kNoText;
    /// What the server has confirmed.
    TextId real = kNoText;
    uint32_t pending = 0;    ///< requests about it that the server has not answered
    bool suspended = false;  ///< a portal of which a part of the rows was fetched
    std::string statement;   ///< of a portal: the name of its statement
    uint64_t used = 0;
  };

  explicit Names(Texts& texts) : texts_(texts) {}
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// A request about a name: counts as pending until settle(). kNoName stays kNoName.
  NameId begin(std::string_view name);
  void settle(NameId id);
  Slot* at(NameId id) { return id == kNoName ? nullptr : &slots_[id]; }
  /// Null if there was none yet.
  Slot* unnamed() { return slots_.empty() ? nullptr : &slots_.front(); }
  bool is_unnamed(NameId id) const { return id == kUnnamed; }
  /// Forgets what no request under way is about.
  void clear();
  /// Forgets the one not used for longest. False if there is none to forget.
  bool evict();
  size_t size() const { return ids_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  static constexpr NameId kUnnamed = 0;

  NameId find_or_add(std::string_view name);
  void forget(NameId id);

  Texts& texts_;
  std::vector<Slot> slots_;  // the first is the unnamed one
  std::vector<NameId> free_;
  std::unordered_map<std::string, NameId, Hash, std::equal_to<>> ids_;
  uint64_t uses_ = 0;
};

}  // namespace clew::pgsql
