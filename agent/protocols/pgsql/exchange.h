// One call of the database, as far as a span needs to know it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocols/pgsql/messages.h"
#include "agent/protocols/pgsql/texts.h"
#include "agent/protocols/protocol.h"
#include "exporter/span_builder.h"

namespace clew::pgsql {

/// Passive but for its description. Its strings are used again for the next exchange.
struct Exchange {
  enum class Kind : uint8_t { Statement, Function, Connect, Cancel };
  enum class Trouble : uint8_t {
    None,
    Failed,   ///< an error with its SQLSTATE
    Hidden,   ///< an error of which no more was seen
    Aborted,  ///< the server skipped it after an earlier error of its pipeline
  };

  Kind kind = Kind::Statement;
  Trouble trouble = Trouble::None;
  MessageEvent::How how = MessageEvent::How::Complete;
  bool response_started = false;
  bool ended = false;
  bool continued = false;    ///< fetches more rows of a portal that was fetched from before
  bool mixed = false;        ///< commands of several kinds
  bool rows_hidden = false;  ///< bytes that were not seen had, or may have had, rows or tags
  bool has_returned = false, has_affected = false;
  char transaction = 0;   ///< of ReadyForQuery: I, T or E
  uint32_t commands = 0;  ///< that completed
  TextId text = kNoText;  ///< counted by whoever keeps the exchange
  std::string statement;  ///< the prepared statement's name
  uint64_t rows = 0;      ///< seen since the last command's end
  uint64_t returned = 0, affected = 0;
  std::array<char, 5> sqlstate{};
  std::string message;  ///< severity and primary message, if values may be shown
  std::string command;  ///< the first tag's

  /// Forgets the last exchange, but not `text`.
  void clear();
  void complete_command(const Tag& tag);
  /// The portal has more rows.
  void suspend();
  void fail(const ErrorFields& fields, bool with_message);
  bool failed() const { return trouble != Trouble::None; }

  /// Name, attributes and status by the stable database conventions. `text_of` is null if there is
  /// none; `fixed` are the connection's own attributes. Views point into these.
  void describe(const Text* text_of, Attributes fixed, SpanBuilder& span) const;

 private:
  void describe_operation(const Text* text_of, SpanBuilder& span) const;
  void describe_outcome(const Text* text_of, SpanBuilder& span) const;
};

}  // namespace clew::pgsql
