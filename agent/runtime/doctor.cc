#include "agent/runtime/doctor.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>

#include "agent/runtime/doctor_rows.h"
#include "probes/plan.h"

namespace clew {
namespace {

constexpr size_t kColumns = 98;
constexpr size_t kLabelColumns = 36, kWordColumns = 8;

std::string_view word(Feature::State state) {
  switch (state) {
    case Feature::State::Yes:
      return "yes";
    case Feature::State::No:
      return "no";
    case Feature::State::Refused:
      return "refused";
    case Feature::State::Unknown:
      break;
  }
  return "unknown";
}

// Prints `text` after what stands in the line already, broken between words.
void print_wrapped(std::ostream& out, size_t column, size_t indent, std::string_view text) {
  size_t start = column;
  while (!text.empty()) {
    const std::string_view next = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(next.size() + 1, text.size()));
    if (column > start && column + 1 + next.size() > kColumns) {
      out << "\n" << std::string(indent, ' ');
      column = start = indent;
    }
    if (column > start) {
      out << ' ';
      ++column;
    }
    out << next;
    column += next.size();
  }
  out << "\n";
}

void print_row(std::ostream& out, const DoctorRow& row) {
  const std::string head = fmt::format("  {:<{}} {:<{}}", row.label, kLabelColumns,
                                       word(row.feature.state), kWordColumns);
  const size_t indent = head.size() + 1;
  if (row.feature.detail.empty() && row.costs.empty()) {
    out << head.substr(0, head.find_last_not_of(' ') + 1) << "\n";
    return;
  }
  out << head << ' ';
  if (!row.feature.detail.empty()) print_wrapped(out, indent, indent, row.feature.detail);
  if (row.costs.empty()) return;
  if (!row.feature.detail.empty()) out << std::string(indent, ' ');
  print_wrapped(out, indent, indent + 2, "costs: " + row.costs);
}

void print_table(const Features& features, const std::vector<DoctorGroup>& groups,
                 const std::vector<std::string>& missing, std::ostream& out) {
  out << fmt::format("kernel {} on {}\n", features.kernel, features.architecture);
  for (const DoctorGroup& group : groups) {
    if (group.rows.empty()) continue;
    out << "\n" << group.title << "\n";
    for (const DoctorRow& row : group.rows) print_row(out, row);
  }
  const Plan chosen = plan(features);
  if (missing.empty()) {
    out << fmt::format("\n  {:<{}} {}\n  {:<{}} {}\n\n", "capture backend", kLabelColumns,
                       label(chosen.capture), "start of a send", kLabelColumns,
                       label(chosen.send_begin));
  }
  out << (missing.empty() ? "clew can run here.\n" : "\n");
  for (const auto& line : missing) {
    out << "missing: ";
    print_wrapped(out, 9, 9, line);
  }
  if (!missing.empty()) out << "clew cannot run here.\n";
}

nlohmann::ordered_json name_or_null(std::string_view name) {
  return name.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(name);
}

void print_json(const Features& features, const std::vector<DoctorGroup>& groups,
                const std::vector<std::string>& missing, std::ostream& out) {
  nlohmann::ordered_json report;
  report["kernel"] = features.kernel;
  report["architecture"] = features.architecture;
  for (const DoctorGroup& group : groups) {
    auto& rows = report[std::string(group.id)] = nlohmann::ordered_json::object();
    for (const DoctorRow& row : group.rows) {
      rows[std::string(row.id)] = {{"state", word(row.feature.state)},
                                   {"detail", row.feature.detail},
                                   {"required", row.required},
                                   {"costs", row.costs}};
    }
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

int report_doctor(const Features& features, const Survey& survey, bool json, std::ostream& out) {
  const auto groups = doctor_groups(features, survey);
  const auto missing = doctor_missing(features, groups);
  if (json) {
    print_json(features, groups, missing, out);
  } else {
    print_table(features, groups, missing, out);
  }
  return missing.empty() ? 0 : 3;
}

}  // namespace clew
