#include "agent/runtime/followed.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstring>

namespace clew {
namespace {

// What the record itself tells, for a process that may be gone by now.
ProcessInfo describe(const clew_process& record, ByteView arguments) {
  ProcessInfo process = read_process(record.record.tgid).value_or(ProcessInfo{});
  process.pid = record.record.tgid;
  process.parent = record.parent;
  const std::string_view filename(record.filename,
                                  strnlen(record.filename, sizeof(record.filename)));
  if (process.executable.empty()) process.executable = filename;
  if (process.arguments.empty()) process.arguments = split_arguments(as_text(arguments));
  if (process.command.empty()) {
    process.command.assign(record.command, strnlen(record.command, sizeof(record.command)));
  }
  return process;
}

}  // namespace

FollowedProcesses::FollowedProcesses(Selection selection, Capture& capture, ProcessTable& table)
    : selection_(std::move(selection)),
      capture_(capture),
      table_(table),
      all_(selection_.selects_all()),
      own_tgid_(static_cast<uint32_t>(getpid())) {
}

void FollowedProcesses::follow(ProcessInfo process, const std::string& rule_name) {
  const uint32_t pid = process.pid;
  if (pid == own_tgid_) return;
  followed_.insert(pid);
  spdlog::debug("following process {} ({})", pid, process.executable);
  table_.put(std::move(process), rule_name);
  if (all_) return;
  if (const auto done = capture_.select(pid); !done) spdlog::warn("{}", done.error().message);
}

Result<> FollowedProcesses::select(uint32_t tgid, const std::string& rule_name) {
  auto process = read_process(tgid);
  if (!process) return failure(fmt::format("there is no process {}", tgid));
  follow(std::move(*process), rule_name);
  return {};
}

Result<> FollowedProcesses::select_running() {
  for (const auto& rule : selection_.rules()) {
    if (rule.kind == SelectRule::Kind::Pid) CLEW_TRY(select(rule.pid, rule.service_name));
  }
  for (const uint32_t pid : list_processes()) {
    if (followed_.contains(pid)) continue;
    auto process = read_process(pid);
    if (!process) continue;
    if (const auto* rule = selection_.match(*process)) {
      follow(std::move(*process), rule->service_name);
    }
  }
  for (const auto& rule : selection_.rules()) {
    if (rule.kind != SelectRule::Kind::Port) continue;
    const clew_port_range range{rule.port_first, rule.port_last};
    for (const uint32_t pid : listening_processes({&range, 1})) {
      if (auto process = read_process(pid)) follow(std::move(*process), rule.service_name);
    }
  }
  // A process may fork while its parent is being selected: look until nothing new turns up.
  while (!all_) {
    const auto found = follow_children();
    if (!found) return std::unexpected(found.error());
    if (!*found) break;
  }
  return {};
}

Result<bool> FollowedProcesses::follow_children() {
  bool found = false;
  for (const uint32_t pid : list_processes()) {
    if (followed_.contains(pid) || pid == own_tgid_) continue;
    auto process = read_process(pid);
    if (!process || !followed_.contains(process->parent)) continue;
    const auto rule_name = table_.rule_name_of(process->parent);
    follow(std::move(*process), rule_name);
    found = true;
  }
  return found;
}

void FollowedProcesses::on_fork(uint32_t parent, uint32_t child) {
  if (all_) return;
  if (followed_.contains(parent)) {
    followed_.insert(child);
    // The kernel may have passed on that its parent was still to be judged.
    if (const auto done = capture_.select(child); !done) spdlog::warn("{}", done.error().message);
  } else {
    capture_.deselect(child);
  }
}

void FollowedProcesses::on_exec(const clew_process& record, ByteView arguments) {
  const uint32_t tgid = record.record.tgid;
  auto process = describe(record, arguments);
  if (all_ || followed_.contains(tgid)) {
    table_.put(std::move(process), table_.rule_name_of(tgid));
    return;
  }
  const auto* rule = selection_.match(process);
  if (rule) {
    follow(std::move(process), rule->service_name);
  } else {
    capture_.deselect(tgid);
  }
}

void FollowedProcesses::on_listen(uint32_t tgid, uint16_t port) {
  if (all_ || followed_.contains(tgid)) return;
  auto process = read_process(tgid);
  if (!process) return;
  const auto* rule = selection_.match_port(port);
  follow(std::move(*process), rule ? rule->service_name : std::string{});
}

void FollowedProcesses::on_exit(uint32_t tgid) {
  followed_.erase(tgid);
}

bool FollowedProcesses::wants(uint32_t tgid) {
  return all_ || followed_.contains(tgid);
}

}  // namespace clew
