#include "agent/protocols/pgsql/names.h"

#include "agent/protocols/pgsql/messages.h"

namespace clew::pgsql {

NameId Names::find_or_add(std::string_view name) {
  if (slots_.empty()) slots_.emplace_back();
  if (name.empty()) return kUnnamed;
  if (name.size() >= kMaxName) return kNoName;
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  if (ids_.size() == kMaxNames && !evict()) return kNoName;
  NameId id = static_cast<NameId>(slots_.size());
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  slots_[id].name.assign(name);
  ids_.emplace(name, id);
  return id;
}

NameId Names::begin(std::string_view name) {
  const NameId id = find_or_add(name);
  if (id == kNoName) return id;
  ++slots_[id].pending;
  slots_[id].used = ++uses_;
  return id;
}

void Names::settle(NameId id) {
  if (id == kNoName) return;
  Slot& slot = slots_[id];
  if (--slot.pending != 0) return;
  texts_.assign(slot.asked, slot.real);
  if (slot.real == kNoText && id != kUnnamed) forget(id);
}

void Names::forget(NameId id) {
  Slot& slot = slots_[id];
  ids_.erase(slot.name);
  texts_.reset(slot.asked);
  texts_.reset(slot.real);
  slot.suspended = false;
  free_.push_back(id);
}

void Names::clear() {
  for (NameId id = 0; id < slots_.size(); ++id) {
    Slot& slot = slots_[id];
    if (slot.pending != 0) continue;
    const bool held = id != kUnnamed && slot.real != kNoText;
    if (held) {
      forget(id);
    } else {
      texts_.reset(slot.asked);
      texts_.reset(slot.real);
      slot.suspended = false;
    }
  }
}

bool Names::evict() {
  NameId oldest = kNoName;
  for (const auto& [name, id] : ids_) {
    const Slot& slot = slots_[id];
    if (slot.pending == 0 && (oldest == kNoName || slot.used < slots_[oldest].used)) oldest = id;
  }
  if (oldest == kNoName) return false;
  forget(oldest);
  return true;
}

}  // namespace clew::pgsql
