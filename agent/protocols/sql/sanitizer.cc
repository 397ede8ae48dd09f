#include "agent/protocols/sql/sanitizer.h"

#include <algorithm>
#include <utility>

#include "agent/protocols/sql/statement.h"

namespace clew::sql {
namespace {

using Kind = Token::Kind;

constexpr std::string_view kValue = "?", kMore = " ...";
constexpr size_t kRoom = kMaxText - kMore.size();

constexpr uint64_t mix(uint64_t hash, uint64_t value) {
  return (hash ^ value) * 0x9e3779b97f4a7c15 + (hash >> 29);
}

// Which of them are in a row differs from row to row of the same statement.
bool is_constant(Keyword keyword) {
  return keyword == Keyword::Null || keyword == Keyword::True || keyword == Keyword::False ||
         keyword == Keyword::Default;
}

}  // namespace

void Sanitizer::add(const Token& token) {
  if (is_full_) return;
  const bool is_sign = token.kind == Kind::Operator && token.text.size() == 1 &&
                       (token.text.front() == '-' || token.text.front() == '+');
  const bool has_sign = std::exchange(has_sign_, is_sign && before_operand_);
  if (has_sign && token.kind == Kind::Number) {
    Token number = token;
    number.space = sign_.space;
    return write(number);
  }
  if (has_sign) write(sign_);
  if (has_sign_) {
    sign_ = token;
  } else {
    write(token);
  }
}

void Sanitizer::write(const Token& token) {
  if (list_count_ > 0) follow_lists(token);
  const List* list = top();
  const bool is_element = list != nullptr && list->depth == depth_ && list->kind != Keyword::Values;
  if (token.is_literal() || is_secret(token) || (token.kind == Kind::Parameter && is_element)) {
    put(token, kValue);
  } else {
    put(token, token.text);
  }
  open_list(token);

  if (token.is('(') || token.is('[')) ++depth_;
  if ((token.is(')') || token.is(']')) && depth_ > 0) --depth_;
  before_operand_ = token.kind == Kind::Operator || is(token.keyword, 'o') ||
                    (token.kind == Kind::Punctuation && !token.is(')') && !token.is(']'));
  if (index_ == 0) first_ = token.keyword;
  if (index_ == 1) second_ = token.keyword;
  last_ = token.keyword;
  ++index_;
  if (token.is(';')) {
    index_ = 0;
    first_ = second_ = last_ = list_ = Keyword::None;
    is_qualified_ = is_assigned_ = false;
  }
}

// What is given as a password is no name, even where PostgreSQL refuses it for that. A setting of
// an extension may be given as a word.
bool Sanitizer::is_secret(const Token& token) {
  if (first_ == Keyword::Set) {
    if (token.is('.')) is_qualified_ = true;
    if (is_assigned_) return token.is_name() && token.keyword != Keyword::Default;
    is_assigned_ = is_qualified_ && (token.text == "=" || token.keyword == Keyword::To);
    return false;
  }
  return last_ == Keyword::Password && index_ > 3 && token.is_name() &&
         token.keyword != Keyword::Null &&
         (first_ == Keyword::Create || first_ == Keyword::Alter) &&
         (second_ == Keyword::Role || second_ == Keyword::User || second_ == Keyword::Group);
}

void Sanitizer::follow_lists(const Token& token) {
  const bool closes = token.is(')') || token.is(']');
  while (List* list = top()) {
    if (depth_ == list->depth) {
      if (token.is(',')) {
        end_member(*list);
        return;
      }
      const bool is_row = list->kind != Keyword::Values || (token.is('(') && list->is_fresh);
      if (closes || !is_row || token.is(';')) {
        pop_list();
        continue;
      }
      if (list->is_fresh && (token.keyword == Keyword::Select || token.keyword == Keyword::With)) {
        --list_count_;
        continue;
      }
    }
    hash(token);
    return;
  }
}

void Sanitizer::hash(const Token& token) {
  List& list = *top();
  list.is_fresh = false;
  const bool is_value = token.is_literal() || token.kind == Kind::Parameter ||
                        token.kind == Kind::Mark ||
                        (list.kind == Keyword::Values && is_constant(token.keyword));
  list.has_value = list.has_value || is_value;
  if (is_value) {
    list.hash = mix(list.hash, 1);
    return;
  }
  list.hash = mix(list.hash, 2);
  for (char c : token.text) list.hash = mix(list.hash, static_cast<uint8_t>(c));
}

void Sanitizer::end_member(List& list) {
  if (list.is_fresh) return;
  if (list.has_kept && list.has_value && list.hash == list.kept_hash) {
    truncate(list.kept_end);
  } else {
    list.has_kept = true;
    list.kept_end = text_.size();
    list.kept_hash = list.hash;
    list.all = mix(list.all, list.hash);
  }
  list.had_value = list.had_value || list.has_value;
  list.is_fresh = true;
  list.has_value = false;
  list.hash = 0;
}

void Sanitizer::pop_list() {
  List& list = *top();
  end_member(list);
  const bool had_value = list.had_value;
  const uint64_t all = list.all;
  --list_count_;
  if (List* outer = top()) {
    outer->is_fresh = false;
    outer->has_value = outer->has_value || had_value;
    outer->hash = mix(outer->hash, all);
  }
}

// What is nested deeper than there are places is written as it is.
void Sanitizer::open_list(const Token& token) {
  const bool opens = list_ == Keyword::Array ? token.is('[') : token.is('(');
  if (list_ != Keyword::None && opens && list_count_ < lists_.size()) {
    List& list = lists_[list_count_++];
    list = {};
    list.kind = list_;
    list.depth = list_ == Keyword::Values ? depth_ : depth_ + 1;
    if (list_ == Keyword::Values) hash(token);
  }
  const Keyword keyword = token.keyword;
  const bool begins =
      keyword == Keyword::In || keyword == Keyword::Array || keyword == Keyword::Values;
  list_ = begins ? keyword : Keyword::None;
}

void Sanitizer::put(const Token& token, std::string_view text) {
  if (text_.size() > 2 * kMaxText || text.size() > kMaxText) {
    is_full_ = true;
    return;
  }
  if (token.space && !text_.empty()) text_ += ' ';
  text_ += text;
  if (text_.size() <= kRoom) safe_end_ = text_.size();
}

void Sanitizer::truncate(size_t size) {
  text_.resize(size);
  safe_end_ = std::min(safe_end_, size);
}

void Sanitizer::finish(bool cut) {
  if (has_sign_ && !is_full_) write(sign_);
  cut = cut || is_full_;
  if (cut && list_count_ > 0 && lists_[0].has_kept) truncate(lists_[0].kept_end);
  while (!cut && list_count_ > 0) pop_list();
  if (!cut && text_.size() <= kMaxText) return;
  text_.resize(std::min(safe_end_, text_.size()));
  text_ += text_.empty() ? kMore.substr(1) : kMore;
}

}  // namespace clew::sql
