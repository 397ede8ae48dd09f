// Everything `clew doctor` reports, as rows with a verdict each: the same for people and programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probes/features.h"
#include "probes/survey.h"

namespace clew {

struct DoctorRow {
  std::string_view id;     ///< stable
  std::string_view label;  ///< for people
  Feature feature;
  bool required = false;  ///< clew cannot run without it
  std::string costs;      ///< what its lack costs the user, one sentence; empty if nothing
};

struct DoctorGroup {
  std::string_view id;     ///< stable
  std::string_view title;  ///< for people
  std::vector<DoctorRow> rows;
};

/// Pure.
std::vector<DoctorGroup> doctor_groups(const Features& features, const Survey& survey);

/// One line for each thing without which clew cannot run; empty if it can.
std::vector<std::string> doctor_missing(const Features& features,
                                        const std::vector<DoctorGroup>& groups);

}  // namespace clew
