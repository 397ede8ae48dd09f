// What /proc tells of processes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/abi/settings.h"

namespace clew {

/// A process as it was when it was looked at. Fields that could not be read are empty: processes
/// end at any moment.
struct ProcessInfo {
  uint32_t pid = 0;
  uint32_t parent = 0;
  std::string command;                 ///< name of the first thread, as in ps
  std::string executable;              ///< resolved path
  std::vector<std::string> arguments;  ///< argv
  std::string working_directory;
  std::string container_id;  ///< 64 hex digits, empty outside containers
  /// What the process was itself configured with, if anything: OTEL_SERVICE_NAME and
  /// OTEL_RESOURCE_ATTRIBUTES of its environment.
  std::string otel_service_name;
  std::string otel_resource_attributes;
};

/// Reads /proc/PID. Nothing if there is no such process.
std::optional<ProcessInfo> read_process(uint32_t pid);

/// All processes, without kernel threads.
std::vector<uint32_t> list_processes();

/// Processes that hold a TCP socket listening in one of `ranges`, in any network namespace.
std::vector<uint32_t> listening_processes(std::span<const clew_port_range> ranges);

/// The container id in a line of /proc/PID/cgroup or a path, as Docker, containerd, CRI-O and
/// podman write it: the last run of 64 hex digits. Empty if there is none.
std::string container_id_of(std::string_view cgroup);

/// Splits NUL-separated text as in /proc/PID/cmdline; a last piece without NUL counts.
std::vector<std::string> split_arguments(std::string_view text);

}  // namespace clew
