// What the user may set about how messages are read and shown. Plain data, handed to a session when
// it is opened.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace clew {

struct HttpSettings {
  /// What spans show of a query string.
  enum class Query : uint8_t {
    Redacted,  ///< all but the values of sensitive_query_parameters
    Keys,      ///< names only: every value is redacted
    Off,       ///< nothing
  };
  Query query = Query::Redacted;
  /// Exact names, upper and lower case told apart. The defaults are those of url.query and url.full
  /// in the semantic conventions.
  std::vector<std::string> sensitive_query_parameters = {
      "AWSAccessKeyId",       "Signature", "X-Amz-Signature", "X-Amz-Credential",
      "X-Amz-Security-Token", "sig",       "X-Goog-Signature"};
  /// Names of the headers that spans show, in lower case; at most kMaxCapturedHeaders each.
  std::vector<std::string> request_headers, response_headers;

  bool operator==(const HttpSettings&) const = default;
};

constexpr size_t kMaxCapturedHeaders = 64;

/// What spans show of the text of a database call.
enum class StatementText : uint8_t {
  Sanitized,  ///< values are replaced by `?`
  Raw,        ///< as it was sent, but for passwords of the connection itself
  Off,        ///< nothing
};

struct ProtocolSettings {
  HttpSettings http;
  StatementText sql = StatementText::Sanitized;
  StatementText redis = StatementText::Sanitized;
};

}  // namespace clew
