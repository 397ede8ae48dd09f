#include "agent/protocols/pgsql/exchange.h"

#include <algorithm>
#include <utility>

namespace clew::pgsql {
namespace {

constexpr std::string_view kBatch = "BATCH ";

// Commands whose tag counts rows that the client gets. Of others the tag counts what was changed,
// and the rows that come with it are those of RETURNING.
bool returns_rows(std::string_view command) {
  return command == "SELECT" || command == "FETCH";
}

}  // namespace

void Exchange::clear() {
  const TextId kept = text;
  std::string names = std::move(statement), messages = std::move(message);
  std::string commands_name = std::move(command);
  *this = Exchange();
  text = kept;
  statement = std::move(names);
  message = std::move(messages);
  command = std::move(commands_name);
  statement.clear();
  message.clear();
  command.clear();
}

void Exchange::complete_command(const Tag& tag) {
  if (tag.command.empty()) rows_hidden = true;
  if (commands++ == 0) {
    command.assign(tag.command.substr(0, kMaxTag));
  } else {
    mixed = mixed || command != tag.command;
  }
  const uint64_t seen = std::exchange(rows, 0);
  if (!tag.has_rows) return;
  // CREATE TABLE AS has the tag of SELECT, too.
  const bool got_none = tag.command == "SELECT" && seen == 0 && tag.rows != 0 && !rows_hidden;
  if (returns_rows(tag.command) && !got_none) {
    has_returned = true;
    returned += tag.rows;
    return;
  }
  has_affected = true;
  affected += tag.rows;
  if (seen == 0) return;
  has_returned = true;
  returned += tag.rows;
}

void Exchange::suspend() {
  if (rows_hidden) return;
  has_returned = true;
  returned += std::exchange(rows, 0);
}

void Exchange::fail(const ErrorFields& fields, bool with_message) {
  if (failed()) return;  // the first one tells
  const bool is_code = fields.code.size() == sqlstate.size() &&
                       std::all_of(fields.code.begin(), fields.code.end(), [](char c) {
                         return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                       });
  trouble = is_code ? Trouble::Failed : Trouble::Hidden;
  if (is_code) std::copy(fields.code.begin(), fields.code.end(), sqlstate.begin());
  if (with_message) message.assign(fields.severity).append(": ").append(fields.message);
}

void Exchange::describe(const Text* text_of, Attributes fixed, SpanBuilder& span) const {
  span.attributes(fixed);
  switch (kind) {
    case Kind::Statement:
      describe_operation(text_of, span);
      break;
    case Kind::Function:
      span.name("FUNCTION CALL");
      span.attribute("db.operation.name", "FUNCTION CALL");
      break;
    case Kind::Connect:
      span.name("connect");
      break;
    case Kind::Cancel:
      span.name("CANCEL");
      span.attribute("db.operation.name", "CANCEL");
      break;
  }
  describe_outcome(text_of, span);
}

void Exchange::describe_operation(const Text* text_of, SpanBuilder& span) const {
  std::string_view name = "postgresql";
  if (!command.empty()) name = command;
  bool operation_told = false;
  if (text_of != nullptr) {
    if (!text_of->summary.empty()) name = text_of->summary;
    span.attributes(Attributes(text_of->attributes));
    operation_told = text_of->statements <= 1 && !text_of->operation.empty();
  }
  span.name(name);
  if (!operation_told) {
    const bool is_batch = text_of != nullptr && text_of->statements > 1;
    if (!is_batch && !command.empty()) span.attribute("db.operation.name", command);
    if (is_batch) {
      // Of one kind only if all of it is known to be.
      std::array<char, kBatch.size() + kMaxTag> batch;
      auto end = std::copy(kBatch.begin(), kBatch.end(), batch.begin());
      if (commands == text_of->statements && !mixed && !rows_hidden) {
        end = std::copy(command.begin(), command.end(), end);
      } else {
        --end;
      }
      span.attribute("db.operation.name", std::string_view(batch.begin(), end));
    }
  }
  if (!statement.empty()) span.attribute("clew.prepared_statement", statement);
  if (continued) span.boolean("clew.portal_continued", true);
}

void Exchange::describe_outcome(const Text* text_of, SpanBuilder& span) const {
  const bool is_one = commands <= 1 && text_of != nullptr && text_of->statements <= 1;
  const bool counted = is_one || !rows_hidden;
  if (has_returned && counted) {
    span.attribute("db.response.returned_rows", static_cast<int64_t>(returned));
  }
  if (has_affected && counted) {
    span.attribute("clew.affected_rows", static_cast<int64_t>(affected));
  }
  if (transaction == 'T') span.attribute("clew.transaction", "open");
  if (transaction == 'E') span.attribute("clew.transaction", "failed");
  using How = MessageEvent::How;
  if (how == How::GapLost || how == How::Unfinished) span.boolean("clew.incomplete", true);
  switch (trouble) {
    case Trouble::Failed: {
      const std::string_view code(sqlstate.data(), sqlstate.size());
      span.attribute("db.response.status_code", code);
      span.attribute("error.type", code);
      break;
    }
    case Trouble::Hidden:
      span.attribute("error.type", "_OTHER");
      break;
    case Trouble::Aborted:
      span.attribute("error.type", "pipeline_aborted");
      break;
    case Trouble::None:
      if (how != How::Malformed) return;
      span.attribute("error.type", "malformed");
      break;
  }
  span.status(SpanStatus::Error, message);
}

}  // namespace clew::pgsql
