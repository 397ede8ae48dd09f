// What an executable file tells of itself.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace clew {

/// Fields the file does not tell are empty.
struct ExecutableInfo {
  std::string build_id;    ///< NT_GNU_BUILD_ID, lower case hex
  std::string go_version;  ///< of a Go program: "go1.26.8"
  std::string go_module;   ///< of a Go program: path of its main module, else of its main package
};

/// Reads an ELF executable or shared object of this machine's byte order. The file may be anything
/// and may change meanwhile: one that is no such file is an error, one that is damaged is an error
/// or leaves fields empty. Reads, and never maps, little of it however large it is: its tables of
/// segments and sections (a few KiB each; 4 MiB if a hostile file claims as many as can be), and of
/// notes, names and build information 1.2 MiB at most. Does not move the descriptor's position. Any
/// thread.
Result<ExecutableInfo> read_executable(int fd);
Result<ExecutableInfo> read_executable(const std::string& path);

}  // namespace clew
