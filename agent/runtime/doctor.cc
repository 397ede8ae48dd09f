#include "agent/runtime/doctor.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "probes/plan.h"

namespace clew {
namespace {

struct Row {
  std::string_view name;
  std::string_view label;
  Feature Features::* feature;
  std::string_view without;  // what it costs a user if it is missing
  bool required;
};

constexpr std::array kRows = {
    Row{"privileges", "privileges", &Features::privileges, "clew cannot run", true},
    Row{"host_processes", "host's pid namespace", &Features::host_processes, "clew cannot run",
        true},
    Row{"btf", "kernel type information", &Features::btf, "clew cannot run", true},
    Row{"ring_buffer", "BPF ring buffer", &Features::ring_buffer, "clew cannot run", true},
    Row{"socket_tracepoints", "socket tracepoints", &Features::socket_tracepoints, "", false},
    Row{"socket_fexit", "fexit on socket functions", &Features::socket_fexit, "", false},
    Row{"sendpage", "fexit on inet_sendpage", &Features::sendpage, "", false},
    Row{"socket_state", "socket state tracepoint", &Features::socket_state,
        "clew cannot see connections begin and end", true},
    Row{"socket_storage", "storage in sockets", &Features::socket_storage, "clew cannot run", true},
    Row{"task_storage", "storage in tasks", &Features::task_storage, "clew cannot run", true},
    Row{"send_begin", "tracepoint tcp_sendmsg_locked", &Features::send_begin, "", false},
    Row{"send_entry", "fentry on tcp_sendmsg_locked", &Features::send_entry, "", false},
    Row{"kprobes", "kprobes", &Features::kprobes, "nothing: not used yet", false},
    Row{"lockdown", "kernel lockdown", &Features::lockdown, "", false},
    Row{"cgroup2", "cgroup v2", &Features::cgroup2, "", false},
    Row{"tracefs", "tracefs", &Features::tracefs, "nothing: not used yet", false},
    Row{"bpffs", "bpffs", &Features::bpffs, "nothing: not used yet", false},
};

std::string_view word(Feature::State state) {
  switch (state) {
    case Feature::State::Yes:
      return "yes";
    case Feature::State::No:
      return "no";
    case Feature::State::Unknown:
      break;
  }
  return "unknown";
}

nlohmann::ordered_json name_or_null(std::string_view name) {
  return name.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(name);
}

void print_table(const Features& features, const std::vector<std::string>& missing,
                 std::ostream& out) {
  out << fmt::format("kernel {} on {}\n\n", features.kernel, features.architecture);
  for (const auto& row : kRows) {
    const Feature& feature = features.*row.feature;
    std::string note = feature.detail;
    if (feature.state == Feature::State::No && !row.without.empty()) {
      note += fmt::format("{}without it: {}", note.empty() ? "" : "; ", row.without);
    }
    out << fmt::format("  {:<32} {:<8} {}\n", row.label, word(feature.state), note);
  }
  const Plan chosen = plan(features);
  const auto backend = missing.empty() ? chosen.capture : CaptureBackend::None;
  out << fmt::format("\n  {:<32} {}\n  {:<32} {}\n\n", "capture backend", label(backend),
                     "start of a send", label(chosen.send_begin));
  if (missing.empty()) out << "clew can run here.\n";
  for (const auto& line : missing) out << "missing: " << line << "\n";
}

void print_json(const Features& features, const std::vector<std::string>& missing,
                std::ostream& out) {
  nlohmann::ordered_json report;
  report["kernel"] = features.kernel;
  report["architecture"] = features.architecture;
  for (const auto& row : kRows) {
    const Feature& feature = features.*row.feature;
    report["features"][std::string(row.name)] = {
        {"state", word(feature.state)}, {"detail", feature.detail}, {"required", row.required}};
  }
  const Plan chosen = plan(features);
  const auto backend = missing.empty() ? chosen.capture : CaptureBackend::None;
  report["capture_backend"] = name_or_null(name(backend));
  report["send_begin"] = name_or_null(name(chosen.send_begin));
  report["missing"] = missing;
  report["can_run"] = missing.empty();
  out << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

int report_doctor(const Features& features, bool json, std::ostream& out) {
  const auto missing = missing_requirements(features);
  if (json) {
    print_json(features, missing, out);
  } else {
    print_table(features, missing, out);
  }
  return missing.empty() ? 0 : 3;
}

}  // namespace clew
