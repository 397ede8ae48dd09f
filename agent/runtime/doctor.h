// `clew doctor`: what this kernel offers, which backends would be used, and what is missing.
#pragma once

#include <iosfwd>

#include "probes/features.h"

namespace clew {

/// Prints the report; 0 if clew can run here, else 3.
int report_doctor(const Features& features, bool json, std::ostream& out);

}  // namespace clew
