#include "probes/processes.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <unordered_set>

namespace clew {
namespace {

constexpr size_t kMaxProcFile = 1 << 20;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> block;
  while (file && text.size() < kMaxProcFile) {
    file.read(block.data(), block.size());
    text.append(block.data(), static_cast<size_t>(file.gcount()));
  }
  return text;
}

std::string read_link(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  if (length <= 0) return {};
  std::string text(target.data(), static_cast<size_t>(length));
  // The kernel marks an executable that was replaced on disk.
  constexpr std::string_view kDeleted = " (deleted)";
  if (text.ends_with(kDeleted)) text.resize(text.size() - kDeleted.size());
  return text;
}

void read_environment(const std::string& directory, ProcessInfo& info) {
  for (const auto& entry : split_arguments(read_file(directory + "/environ"))) {
    const auto take = [&entry](std::string_view name, std::string& to) {
      if (entry.starts_with(name)) to = entry.substr(name.size());
    };
    take("OTEL_SERVICE_NAME=", info.otel_service_name);
    take("OTEL_RESOURCE_ATTRIBUTES=", info.otel_resource_attributes);
  }
}

// "pid (command) state parent ...": the command may hold anything, so look for its last
// parenthesis.
uint32_t parent_in(std::string_view stat) {
  const auto after = stat.rfind(')');
  if (after == std::string_view::npos || after + 4 >= stat.size()) return 0;
  uint32_t parent = 0;
  std::from_chars(stat.data() + after + 4, stat.data() + stat.size(), parent);
  return parent;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

template <typename Visit>
void for_each_number_in(const std::string& directory, Visit visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const auto name = it->path().filename().string();
    uint32_t number = 0;
    const auto [rest, code] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (code == std::errc() && rest == name.data() + name.size())
      visit(number, it->path().string());
  }
}

bool in_ranges(unsigned port, std::span<const clew_port_range> ranges) {
  return std::ranges::any_of(
      ranges, [port](const auto& range) { return port >= range.first && port <= range.last; });
}

// Inodes of sockets in state LISTEN (0A) on one of the ports, from a file like /proc/PID/net/tcp.
void add_listening_inodes(const std::string& path, std::span<const clew_port_range> ranges,
                          std::unordered_set<uint64_t>& inodes) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, skip;
    uint64_t inode = 0;
    if (!(fields >> slot >> local >> remote >> state)) continue;
    if (state != "0A") continue;
    for (int i = 0; i < 5; ++i) fields >> skip;
    if (!(fields >> inode)) continue;
    const auto colon = local.rfind(':');
    unsigned port = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), port, 16);
    if (in_ranges(port, ranges)) inodes.insert(inode);
  }
}

bool holds_socket(uint32_t pid, const std::unordered_set<uint64_t>& inodes) {
  bool found = false;
  for_each_number_in(fmt::format("/proc/{}/fd", pid), [&](uint32_t, const std::string& path) {
    if (found) return;
    const auto target = read_link(path);
    uint64_t inode = 0;
    if (std::sscanf(target.c_str(), "socket:[%lu]", &inode) == 1) found = inodes.contains(inode);
  });
  return found;
}

}  // namespace

std::vector<std::string> split_arguments(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = text.find('\0');
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string container_id_of(std::string_view cgroup) {
  constexpr size_t kIdLength = 64;
  std::string id;
  size_t run = 0;
  for (size_t i = 0; i <= cgroup.size(); ++i) {
    if (i < cgroup.size() && is_hex(cgroup[i])) {
      ++run;
      continue;
    }
    if (run == kIdLength) id = cgroup.substr(i - kIdLength, kIdLength);
    run = 0;
  }
  return id;
}

std::optional<ProcessInfo> read_process(uint32_t pid) {
  const auto directory = fmt::format("/proc/{}", pid);
  const auto stat = read_file(directory + "/stat");
  if (stat.empty()) return std::nullopt;
  ProcessInfo info;
  info.pid = pid;
  info.parent = parent_in(stat);
  info.command = read_file(directory + "/comm");
  if (info.command.ends_with('\n')) info.command.pop_back();
  info.executable = read_link(directory + "/exe");
  info.arguments = split_arguments(read_file(directory + "/cmdline"));
  info.working_directory = read_link(directory + "/cwd");
  info.container_id = container_id_of(read_file(directory + "/cgroup"));
  read_environment(directory, info);
  return info;
}

std::vector<uint32_t> list_processes() {
  std::vector<uint32_t> pids;
  for_each_number_in("/proc", [&](uint32_t pid, const std::string& path) {
    if (!read_link(path + "/exe").empty()) pids.push_back(pid);
  });
  return pids;
}

std::vector<uint32_t> listening_processes(std::span<const clew_port_range> ranges) {
  if (ranges.empty()) return {};
  std::unordered_set<uint64_t> inodes;
  std::set<std::string> namespaces;
  const auto pids = list_processes();
  for (const uint32_t pid : pids) {
    const auto directory = fmt::format("/proc/{}", pid);
    if (!namespaces.insert(read_link(directory + "/ns/net")).second) continue;
    add_listening_inodes(directory + "/net/tcp", ranges, inodes);
    add_listening_inodes(directory + "/net/tcp6", ranges, inodes);
  }
  std::vector<uint32_t> found;
  if (inodes.empty()) return found;
  std::ranges::copy_if(pids, std::back_inserter(found),
                       [&inodes](uint32_t pid) { return holds_socket(pid, inodes); });
  return found;
}

}  // namespace clew
