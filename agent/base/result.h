// Typed results. A function that can fail in a way its caller handles returns Result<T>; bytes from
// the wire that make no sense are a parser's outcome and never an Error.
#pragma once

#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace clew {

/// What went wrong, in words a user can act on. `code` is an errno value, 0 where none applies.
struct Error {
  std::string message;
  int code = 0;
};

template <typename T = void>
using Result = std::expected<T, Error>;

/// An error whose message ends with the text of `code`.
inline std::unexpected<Error> system_error(std::string what, int code) {
  return std::unexpected(Error{std::move(what) + ": " + std::strerror(code), code});
}

inline std::unexpected<Error> failure(std::string message, int code = 0) {
  return std::unexpected(Error{std::move(message), code});
}

}  // namespace clew

// Returns the error of a Result<> from the enclosing function, or goes on.
#define CLEW_TRY(expression)                                      \
  do {                                                            \
    if (auto clew_try_result = (expression); !clew_try_result) {  \
      return std::unexpected(std::move(clew_try_result).error()); \
    }                                                             \
  } while (false)
