// `clew doctor`: what this kernel offers, which backends would be used, and what is missing.
#pragma once

#include <iosfwd>

#include "probes/features.h"
#include "probes/survey.h"

namespace clew {

/// Prints the report, for people in at most 100 columns; 0 if clew can run here, else 3.
int report_doctor(const Features& features, const Survey& survey, bool json, std::ostream& out);

}  // namespace clew
