// The commands that clew knows: which arguments may be shown, and what a command means to the
// session. Names follow Redis 7 and Valkey 8; what may be shown follows the sanitiser of
// opentelemetry-java-instrumentation, but is stricter where values are data or secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocols/redis/messages.h"
#include "agent/protocols/settings.h"

namespace clew::redis {

/// Which arguments sanitised text shows.
enum class Shown : uint8_t {
  First,    ///< the first `keep`
  All,      ///< each
  Pairs,    ///< the first `keep`, then every other one: field ? field ?
  Keys,     ///< `keep`, then a number of keys, then that many
  Script,   ///< as Keys, but the first is a script's text
  Hello,    ///< the version and the options' names
  Migrate,  ///< all but the credentials
  Config,   ///< names of settings, no values
};

/// What a command does to the conversation.
enum class Effect : uint8_t {
  None,
  Secret,  ///< its arguments are never shown
  Hello,
  Select,
  Multi,
  Exec,
  Discard,
  Reset,
  Monitor,
  Client,
  Info,
  Subscribe,    ///< and the other five: answered by a confirmation for each channel
  Procedure,    ///< its first argument names a script or function
  Replication,  ///< what follows the answer is no conversation of commands and replies
  Replica,      ///< said by replicas
  Shutdown,     ///< answered only if it fails
};

struct CommandSpec {
  std::string_view name;  ///< in capitals
  Shown shown = Shown::First;
  uint8_t keep = 0;
  Effect effect = Effect::None;
};

/// nullptr if `name`, in any case, is no command that clew knows. Rows live for ever.
const CommandSpec* find_command(std::string_view name);

/// Whether a command that clew does not know may be called by this name.
bool is_plausible_name(std::string_view name);

/// The arguments of the command that is being read, the name first: as much of them as is kept.
class Command {
 public:
  void clear();
  void begin_argument();
  void append(std::string_view bytes);
  /// Some bytes of the open argument were not seen.
  void hide() {
    if (count_ <= kMaxArguments) arguments_[last()].hidden = true;
  }
  /// Arguments begun; those beyond kMaxArguments are only counted.
  size_t count() const { return count_; }
  size_t kept() const { return count_ < kMaxArguments ? count_ : kMaxArguments; }
  std::string_view argument(size_t i) const {
    return i < kept() ? std::string_view(bytes_).substr(arguments_[i].at, arguments_[i].size)
                      : std::string_view();
  }
  /// All of the argument is known.
  bool is_whole(size_t i) const {
    return i < kept() && !arguments_[i].cut && !arguments_[i].hidden;
  }
  /// The argument is this word, in any case; `word` is in capitals.
  bool is(size_t i, std::string_view word) const;
  /// As multibulk headers announce it; 0 for inline commands.
  uint64_t announced = 0;

 private:
  struct Argument {
    uint16_t at = 0, size = 0;
    bool cut = false, hidden = false;
  };
  size_t last() const { return kept() - 1; }

  std::array<Argument, kMaxArguments> arguments_;
  size_t count_ = 0;
  std::string bytes_;
};

/// Appends what may be shown of the command to `into`, at most kMaxText and a mark of the cut.
/// `spec` is null for commands that are not known.
void append_text(const Command& command, const CommandSpec* spec, StatementText how,
                 std::string& into);

}  // namespace clew::redis
