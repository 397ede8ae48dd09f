#include "agent/protocols/sql/summary.h"

#include <algorithm>
#include <initializer_list>

#include "agent/protocols/sql/names.h"

namespace clew::sql {
namespace {

using enum Keyword;

constexpr std::string_view kNextStatement = "; ";

bool is_any_of(Keyword keyword, std::initializer_list<Keyword> list) {
  return std::find(list.begin(), list.end(), keyword) != list.end();
}

bool reads_tables(Keyword command) {
  return is_any_of(command, {Select, Update, Delete, Merge});
}

bool is_write(Keyword command) {
  return is_any_of(command, {Insert, Update, Delete, Merge});
}

}  // namespace

void Summary::add(const Token& token) {
  const bool after_dot = now_.after_dot;
  now_.after_dot = token.is('.');
  if (now_.is_naming) {
    if (now_.after_dot) {
      now_.is_qualified = true;
      return;
    }
    if (after_dot && token.is_name()) {
      append_name(".");
      return append_name(bare_name(token.text));
    }
    // What follows a dot is no name where the target is an operator.
    now_.is_name_bad = now_.is_name_bad || after_dot;
    end_name(token);
  }
  const bool is_between = depth_ == 0 && ignored_depth_ == 0 && now_.atomic == 0;
  if (is_between && token.is(';')) return end_statement();
  now_.has_tokens = true;
  // A name behind a dot, or behind AS in a list of columns, is no keyword.
  const bool is_label = after_dot || (now_.last == As &&
                                      (reads_tables(frame().command) || frame().command == Insert));
  const Keyword keyword = is_label ? None : token.keyword;
  if (token.is('(') || token.is('[')) {
    open(token);
  } else if (token.is(')') || token.is(']')) {
    close();
  } else if (ignored_depth_ > 0) {
    return;
  } else if (token.is_name()) {
    add_word(token, keyword);
  } else if (token.is(',')) {
    if (frame().is_list) frame().wants_target = true;
    if (frame().common == Common::Body) frame().common = Common::Name;
  } else {
    frame().wants_target = frame().begins = false;
  }
  now_.last = keyword;
}

void Summary::open(const Token& token) {
  if (ignored_depth_ > 0 || depth_ + 1 == kMaxDepth) {
    ++ignored_depth_;
    return;
  }
  Frame& outer = frame();
  Frame inner;
  if (token.is('(') && outer.wants_target && reads_tables(outer.command)) {
    // A join or a subquery. In the brackets of other commands stand options.
    inner.command = outer.command;
    inner.is_list = inner.wants_target = true;
    outer.wants_target = false;
  } else if (outer.command == Copy) {
    outer.wants_target = false;
  }
  ++depth_;
  frame() = inner;
}

void Summary::close() {
  if (ignored_depth_ > 0) {
    --ignored_depth_;
  } else if (depth_ > 0) {
    --depth_;
    if (frame().command != Explain) frame().begins = false;
  }
}

void Summary::add_word(const Token& token, Keyword keyword) {
  Frame& here = frame();
  if (now_.atomic > 0) {
    if (keyword == Begin || keyword == Case) ++now_.atomic;
    if (keyword == End) --now_.atomic;
  } else if (here.common == Common::Name) {
    if (keyword == Recursive) return;
    if (now_.common_tables < kMaxCommonTables) {
      common_tables_[now_.common_tables++] = bare_name(token.text);
    }
    here.common = Common::Body;
  } else if (now_.wants_object && depth_ == 0) {
    add_object_word(keyword);
  } else if (here.wants_target && add_target_word(token, keyword)) {
    return;
  } else if (keyword == Select && !now_.is_muted) {
    begin_select();
  } else if ((here.begins || here.common == Common::Body) && begin_command(keyword)) {
    return;
  } else {
    here.begins = false;
    if (!now_.has_command && depth_ == 0 && here.common == Common::No) now_.is_muted = true;
    add_clause(keyword);
  }
}

void Summary::begin_select() {
  Frame& here = frame();
  write_command(spelling(Select));
  if (now_.with_depth == depth_) now_.with_depth = kMaxDepth;
  now_.names_tables = true;
  now_.is_session = false;
  here = {};
  here.command = Select;
  here.begins = false;
}

// True if the word begins a command, or stands where one may begin.
bool Summary::begin_command(Keyword keyword) {
  Frame& here = frame();
  if (keyword == With) {
    here.common = Common::Name;
    here.begins = false;
    now_.with_depth = std::min(now_.with_depth, depth_);
    return true;
  }
  if (here.command == Explain && is_any_of(keyword, {Analyze, Analyse, Verbose})) return true;
  if (depth_ > 0) {
    const Frame& outer = frames_[depth_ - 1];
    const bool may_write = outer.common == Common::Body || outer.command == Copy;
    if (!is_write(keyword) || !may_write) return false;
  } else if (here.common == Common::Body) {
    if (!is_write(keyword) && keyword != Values && keyword != Table) return false;
  } else if (!is(keyword, 'c')) {
    return false;
  }
  write_command(keyword == Start ? "START TRANSACTION" : spelling(keyword));
  if (now_.with_depth == depth_) now_.with_depth = kMaxDepth;
  here = {};
  here.command = keyword;
  here.begins = keyword == Explain;
  set_wants(keyword);
  return true;
}

void Summary::set_wants(Keyword command) {
  Frame& here = frame();
  here.is_list = is_any_of(command, {Truncate, Lock, Vacuum, Analyze, Analyse});
  now_.is_session = is_any_of(command, {Execute, Prepare, Listen, Notify, Unlisten});
  now_.names_tables = !now_.is_session && !is_any_of(command, {Call, Set, Show, Reset});
  here.wants_target =
      here.is_list || !now_.names_tables || is_any_of(command, {Update, Copy, Table});
  now_.wants_object = is_any_of(command, {Create, Alter, Drop, Refresh, Reindex});
  now_.is_muted = !is_write(command) && !is_any_of(command, {Copy, Explain, Prepare, Declare});
}

void Summary::add_object_word(Keyword keyword) {
  Frame& here = frame();
  if (is(keyword, 'm')) return;
  if (is(keyword, 'p')) return add_command_word(keyword);
  now_.wants_object = false;
  if (!is(keyword, 't')) return;
  add_command_word(keyword);
  now_.object = keyword;
  now_.names_tables = keyword == Table || keyword == View;
  now_.is_muted = here.command != Create || !now_.names_tables;
  now_.wants_on =
      is_any_of(keyword, {Index, Policy, Rule}) || (keyword == Trigger && now_.last != Event);
  here.is_list = here.command == Drop;
  here.wants_target =
      !is_any_of(keyword, {Privileges, Owned, System, Mapping, Cast, Transform, Object});
}

// True if the word was of the target.
bool Summary::add_target_word(const Token& token, Keyword keyword) {
  Frame& here = frame();
  if (now_.last == Operator && is_any_of(keyword, {Class, Family})) {
    add_command_word(keyword);
    return true;
  }
  if (is(keyword, 'n') || (now_.object != None && is_any_of(keyword, {If, Not, Exists})) ||
      (now_.last == Into && is_any_of(keyword, {Temp, Temporary, Unlogged})) ||
      (is_any_of(here.command, {Set, Reset}) && is_any_of(keyword, {Session, Local}))) {
    return true;
  }
  here.wants_target = false;
  if ((now_.last == User && keyword == Mapping) ||
      (here.command == Prepare && keyword == Transaction)) {
    add_command_word(keyword);
    return true;
  }
  if (keyword == Values && here.begins) {
    here.is_list = false;
    return true;
  }
  if (is(keyword, 'r')) return false;
  here.begins = false;
  now_.is_naming = true;
  now_.is_qualified = now_.is_name_bad = false;
  now_.name_size = 0;
  append_name(bare_name(token.text));
  return true;
}

void Summary::add_clause(Keyword keyword) {
  Frame& here = frame();
  if (now_.wants_on && keyword == On) {
    now_.wants_on = false;
    now_.names_tables = here.wants_target = true;
    return;
  }
  if (keyword == Atomic && now_.last == Begin && here.command == Create) now_.atomic = 1;
  if (now_.is_muted) return;
  bool wants = false;
  switch (keyword) {
    case From:
      if (now_.last == Distinct) return;
      wants = here.command == Select || here.command == Update ||
              (here.command == Delete && !here.has_target);
      here.is_list = here.is_list || (wants && here.command != Delete);
      break;
    case Into:
      wants = is_any_of(here.command, {Insert, Merge, Select});
      break;
    case Using:
      wants = here.command == Merge || (here.command == Delete && !here.is_list);
      here.is_list = here.is_list || wants;
      break;
    case Join:
      wants = here.is_list;
      break;
    case Table:
      wants = here.command == Insert && here.has_target;
      break;
    case With:
      if (here.command == Insert && here.has_target) {
        here.common = Common::Name;
        now_.with_depth = std::min(now_.with_depth, depth_);
      }
      break;
    case As:
      here.begins = here.command == Create || here.command == Prepare;
      break;
    case For:
      here.begins = here.command == Declare;
      break;
    case When:
      here.is_list = here.is_list && here.command != Merge;
      break;
    default:
      break;
  }
  if (is(keyword, 'f')) here.is_list = false;
  if (wants) here.wants_target = true;
}

void Summary::append_name(std::string_view part) {
  if (part.size() > name_.size() - now_.name_size) {
    now_.is_name_bad = true;
    return;
  }
  std::copy(part.begin(), part.end(), name_.begin() + now_.name_size);
  now_.name_size += part.size();
}

void Summary::end_name(const Token& next) {
  Frame& here = frame();
  now_.is_naming = false;
  now_.last = None;
  const std::string_view name(name_.data(), now_.name_size);
  const bool is_read = here.is_list && reads_tables(here.command);
  const bool is_function = is_read && next.is('(');
  // FROM ROWS FROM (f(), g())
  if (is_read && next.keyword == From && equal_ignoring_case(name, "rows")) return;
  here.has_target = true;
  if (is_read && !now_.is_qualified && !is_function && is_common_table(name)) return;
  if (now_.names_tables && !is_function) note_table(name);
  if (now_.is_name_bad || looks_generated(name) || (now_.is_session && has_digit(name))) return;
  append(" ", name);
}

bool Summary::is_common_table(std::string_view name) const {
  const auto end = common_tables_.begin() + now_.common_tables;
  return std::any_of(common_tables_.begin(), end,
                     [name](std::string_view common) { return equal_ignoring_case(common, name); });
}

void Summary::note_table(std::string_view name) {
  if (has_several_tables_ || (!now_.is_name_bad && into_.collection == name)) return;
  has_several_tables_ = !into_.collection.empty() || now_.is_name_bad;
  into_.collection = has_several_tables_ ? std::string_view() : name;
}

void Summary::write_command(std::string_view command) {
  const bool is_next = !now_.has_command && start_ > 0;
  append(is_next ? kNextStatement : now_.has_command ? " " : "", command);
  now_.has_command = true;
  if (is_first_ && !has_operation_ && depth_ <= now_.with_depth) {
    into_.operation = command;
    has_operation_ = true;
  }
}

// Those of a command of several words.
void Summary::add_command_word(Keyword word) {
  append(" ", spelling(word));
  if (!is_first_ || depth_ > 0) return;
  into_.operation += ' ';
  into_.operation += spelling(word);
}

void Summary::append(std::string_view separator, std::string_view text) {
  std::string& summary = into_.summary;
  is_full_ = is_full_ || summary.size() + separator.size() + text.size() > kMaxSummary;
  if (is_full_) return;
  summary += separator;
  summary += text;
}

void Summary::end_statement() {
  if (now_.has_tokens) {
    ++into_.statements;
    is_first_ = false;
  }
  // Of statements that do the same, one after the other, one is told: how many of them are in a
  // text differs from text to text.
  std::string& summary = into_.summary;
  const auto bare = [&](size_t from, size_t to) {
    if (from > 0) from += kNextStatement.size();
    return std::string_view(summary).substr(from, to - from);
  };
  if (summary.size() > start_) {
    if (start_ > 0 && !is_full_ && bare(previous_, start_) == bare(start_, summary.size())) {
      summary.resize(start_);
    } else {
      previous_ = start_;
      start_ = summary.size();
    }
  }
  now_ = {};
  depth_ = ignored_depth_ = 0;
  frame() = {};
}

void Summary::finish() {
  now_.is_name_bad = now_.is_name_bad || now_.after_dot;
  if (now_.is_naming) end_name({});
  end_statement();
}

}  // namespace clew::sql
