#include "agent/pipeline/process_table.h"

namespace clew {
namespace {

constexpr uint64_t kRememberExited = 5'000'000'000;

}  // namespace

void ProcessTable::put(ProcessInfo process, std::string rule_name) {
  const uint32_t pid = process.pid;
  // Now, since the process may be gone by the time its resource is asked for.
  auto executable = executables_.of_process(pid, process.executable);
  entries_.insert_or_assign(
      pid, Entry{std::move(process), std::move(rule_name), std::move(executable), nullptr, 0});
}

void ProcessTable::fork(uint32_t parent, uint32_t child) {
  const auto found = entries_.find(parent);
  if (found == entries_.end()) return;
  Entry copy = found->second;
  copy.process.pid = child;
  copy.process.parent = parent;
  copy.resource.reset();
  copy.exited_ns = 0;
  entries_.insert_or_assign(child, std::move(copy));
}

void ProcessTable::exit(uint32_t tgid, uint64_t now_ns) {
  const auto found = entries_.find(tgid);
  if (found == entries_.end()) return;
  found->second.exited_ns = now_ns;
  leaving_.emplace_back(now_ns + kRememberExited, tgid);
}

bool ProcessTable::exited_by(uint32_t tgid, uint64_t time_ns) const {
  const auto found = entries_.find(tgid);
  return found != entries_.end() && found->second.exited_ns && found->second.exited_ns <= time_ns;
}

void ProcessTable::tick(uint64_t now_ns) {
  while (!leaving_.empty() && leaving_.front().first <= now_ns) {
    const auto found = entries_.find(leaving_.front().second);
    // The pid may have been given to a new process meanwhile.
    if (found != entries_.end() && found->second.exited_ns) entries_.erase(found);
    leaving_.pop_front();
  }
}

const ProcessInfo* ProcessTable::find(uint32_t tgid) const {
  const auto found = entries_.find(tgid);
  return found == entries_.end() ? nullptr : &found->second.process;
}

std::string ProcessTable::rule_name_of(uint32_t tgid) const {
  const auto found = entries_.find(tgid);
  return found == entries_.end() ? std::string{} : found->second.rule_name;
}

std::shared_ptr<const Resource> ProcessTable::resource_of(uint32_t tgid,
                                                          const std::string& command) {
  auto found = entries_.find(tgid);
  if (found == entries_.end()) {
    ProcessInfo process = read_process(tgid).value_or(ProcessInfo{});
    process.pid = tgid;
    if (process.command.empty()) process.command = command;
    put(std::move(process), {});
    found = entries_.find(tgid);
  }
  Entry& entry = found->second;
  if (!entry.resource) {
    entry.resource =
        make_resource(entry.process, settings_, entry.rule_name, entry.executable.get());
  }
  return entry.resource;
}

}  // namespace clew
