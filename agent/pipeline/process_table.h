// The processes that spans belong to: what is known of them, and the resource their spans carry.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "agent/metadata/resource.h"
#include "probes/processes.h"
#include "symbolizer/executable_cache.h"

namespace clew {

/// Runs on the pipeline's thread.
class ProcessTable {
 public:
  explicit ProcessTable(ResourceSettings settings) : settings_(std::move(settings)) {}

  /// Learns or replaces a process. `rule_name` as for make_resource.
  void put(ProcessInfo process, std::string rule_name);
  /// A child begins as a copy of its parent, with a pid of its own.
  void fork(uint32_t parent, uint32_t child);
  /// The process has ended: it is forgotten a little later, since its last spans are still to come.
  void exit(uint32_t tgid, uint64_t now_ns);
  /// Whether the process had ended by then. Known for some seconds after its end.
  bool exited_by(uint32_t tgid, uint64_t time_ns) const;
  void tick(uint64_t now_ns);

  const ProcessInfo* find(uint32_t tgid) const;
  /// The name that the rule which selected the process gives it.
  std::string rule_name_of(uint32_t tgid) const;
  /// Never null. A process not heard of is read from /proc; one that is gone is called by
  /// `command`.
  std::shared_ptr<const Resource> resource_of(uint32_t tgid, const std::string& command = {});

 private:
  struct Entry {
    ProcessInfo process;
    std::string rule_name;
    std::shared_ptr<const ExecutableInfo> executable;  // null if it could not be read
    std::shared_ptr<const Resource> resource;          // made when first asked for
    uint64_t exited_ns = 0;                            // 0: it lives
  };

  ResourceSettings settings_;
  ExecutableCache executables_;
  absl::flat_hash_map<uint32_t, Entry> entries_;
  std::deque<std::pair<uint64_t, uint32_t>> leaving_;  // due time, tgid
};

}  // namespace clew
