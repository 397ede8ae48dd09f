#include "agent/protocols/redis/commands.h"

#include <algorithm>

namespace clew::redis {
namespace {

struct Group {
  std::string_view names;
  Shown shown;
  uint8_t keep = 0;
  Effect effect = Effect::None;
};

constexpr Group kGroups[] = {
    {"AUTH", Shown::First, 0, Effect::Secret},
    {"HELLO", Shown::Hello, 1, Effect::Hello},
    {"SELECT", Shown::All, 0, Effect::Select},
    {"MULTI", Shown::All, 0, Effect::Multi},
    {"EXEC", Shown::All, 0, Effect::Exec},
    {"DISCARD", Shown::All, 0, Effect::Discard},
    {"RESET", Shown::All, 0, Effect::Reset},
    {"MONITOR", Shown::All, 0, Effect::Monitor},
    {"CLIENT", Shown::All, 0, Effect::Client},
    {"INFO", Shown::All, 0, Effect::Info},
    {"SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE", Shown::All, 0,
     Effect::Subscribe},
    {"SYNC PSYNC", Shown::All, 0, Effect::Replication},
    {"REPLCONF", Shown::First, 1, Effect::Replica},
    {"SHUTDOWN", Shown::All, 0, Effect::Shutdown},
    {"EVALSHA EVALSHA_RO FCALL FCALL_RO", Shown::Keys, 1, Effect::Procedure},
    {"EVAL EVAL_RO", Shown::Script, 1},
    {"MIGRATE", Shown::Migrate, 5},
    {"CONFIG", Shown::Config, 1},

    {"BGREWRITEAOF BGSAVE DBSIZE FAILOVER FLUSHALL FLUSHDB LASTSAVE LATENCY LOLWUT MEMORY OBJECT "
     "PUBSUB QUIT RANDOMKEY READONLY READWRITE ASKING REPLICAOF ROLE SAVE SLAVEOF SLOWLOG SWAPDB "
     "TIME UNWATCH WAIT WAITAOF WATCH COMMAND CLUSTER PFSELFTEST COMMANDLOG",
     Shown::All},
    {"APPEND BITFIELD GETSET GETEX PFADD SET SETNX SETRANGE SUBSTR INCRBYFLOAT "
     "LPOS LPUSH LPUSHX LREM LSET RPUSH RPUSHX SADD SISMEMBER SMISMEMBER SREM "
     "ZADD ZCOUNT ZINCRBY ZLEXCOUNT ZMSCORE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX "
     "ZREMRANGEBYSCORE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCORE "
     "GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO "
     "GEOSEARCH PUBLISH SPUBLISH DEBUG SCRIPT FUNCTION MODULE SETBIT HSETEX DELIFEQ",
     Shown::First, 1},
    {"ACL SENTINEL HSETNX HINCRBYFLOAT LINSERT PSETEX RESTORE RESTORE-ASKING SETEX SMOVE "
     "GEOSEARCHSTORE ZRANGESTORE PFDEBUG",
     Shown::First, 2},
    {"HMSET HSET", Shown::Pairs, 1},
    {"MSET MSETNX", Shown::Pairs, 0},
    {"XADD", Shown::Pairs, 2},
    {"LMPOP SINTERCARD ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION", Shown::Keys, 0},
    {"BLMPOP BZMPOP ZDIFFSTORE ZINTERSTORE ZUNIONSTORE", Shown::Keys, 1},
    {"BITCOUNT BITFIELD_RO BITOP BITPOS COPY DECR DECRBY DEL DUMP EXISTS EXPIRE EXPIREAT "
     "EXPIRETIME GET GETBIT GETDEL GETRANGE INCR INCRBY KEYS LCS MGET MOVE PERSIST PEXPIRE "
     "PEXPIREAT PEXPIRETIME PFCOUNT PFMERGE PTTL RENAME RENAMENX SCAN SORT SORT_RO STRLEN TOUCH "
     "TTL TYPE UNLINK STRALGO "
     "HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS HEXPIRE "
     "HEXPIREAT HEXPIRETIME HGETDEL HGETEX HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HTTL "
     "BLMOVE BLPOP BRPOP BRPOPLPUSH LINDEX LLEN LMOVE LPOP LRANGE LTRIM RPOP RPOPLPUSH "
     "SCARD SDIFF SDIFFSTORE SINTER SINTERSTORE SMEMBERS SPOP SRANDMEMBER SSCAN SUNION "
     "SUNIONSTORE "
     "BZPOPMAX BZPOPMIN ZCARD ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZREMRANGEBYRANK ZREVRANGE ZSCAN "
     "XACK XACKDEL XAUTOCLAIM XCLAIM XDEL XDELEX XGROUP XINFO XLEN XPENDING XRANGE XREAD "
     "XREADGROUP XREVRANGE XSETID XTRIM",
     Shown::All},
    {"ECHO PING", Shown::First, 0},
};

constexpr size_t count_names() {
  size_t count = 0;
  for (const Group& group : kGroups) {
    count += static_cast<size_t>(std::count(group.names.begin(), group.names.end(), ' ')) + 1;
  }
  return count;
}

constexpr size_t kCommands = count_names();
constexpr size_t kSlots = 1024;
static_assert(kCommands < kSlots / 2);

constexpr size_t slot_of(std::string_view name) {
  uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
  return (hash ^ (hash >> 15)) % kSlots;
}

struct Table {
  std::array<CommandSpec, kCommands> commands;
  std::array<uint16_t, kSlots> slots{};  // of a name's hash: its command and one, or 0

  constexpr Table() {
    size_t count = 0;
    for (const Group& group : kGroups) {
      for (std::string_view rest = group.names; !rest.empty();) {
        const size_t size = std::min(rest.find(' '), rest.size());
        add(count++, {rest.substr(0, size), group.shown, group.keep, group.effect});
        rest.remove_prefix(std::min(size + 1, rest.size()));
      }
    }
  }
  constexpr void add(size_t number, const CommandSpec& spec) {
    commands[number] = spec;
    size_t slot = slot_of(spec.name);
    while (slots[slot] != 0) slot = (slot + 1) % kSlots;
    slots[slot] = static_cast<uint16_t>(number + 1);
  }
};

constexpr Table kTable;

constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

// Commands of Redis Stack's modules take a key or an index first.
constexpr std::string_view kModules[] = {"JSON.", "TS.", "BF.", "CF.", "CMS.", "TOPK.", "TDIGEST."};
constexpr CommandSpec kModuleCommand = {"", Shown::First, 1, Effect::None};
constexpr CommandSpec kUnknownCommand = {"", Shown::First, 0, Effect::None};

bool starts_with_ignoring_case(std::string_view text, std::string_view capitals) {
  return text.size() >= capitals.size() &&
         std::equal(capitals.begin(), capitals.end(), text.begin(),
                    [](char a, char b) { return a == upper(b); });
}

bool contains_ignoring_case(std::string_view text, std::string_view capitals) {
  for (; text.size() >= capitals.size(); text.remove_prefix(1)) {
    if (starts_with_ignoring_case(text, capitals)) return true;
  }
  return false;
}

// Of a setting: its value may be a password.
bool names_a_secret(std::string_view name) {
  return contains_ignoring_case(name, "PASS") || contains_ignoring_case(name, "AUTH") ||
         contains_ignoring_case(name, "SECRET") || contains_ignoring_case(name, "USER");
}

uint64_t as_number(std::string_view digits) {
  uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || value > kMaxCount) return 0;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

// Decides argument by argument, from the first after the name on.
class Filter {
 public:
  Filter(const Command& command, const CommandSpec& spec, bool raw)
      : command_(command), spec_(spec), raw_(raw) {
    if (spec.shown == Shown::Keys || spec.shown == Shown::Script) {
      keys_ = as_number(command.argument(spec.keep + 1U));
    }
  }

  bool shows(size_t i) {
    if (is_secret(i)) return false;
    return raw_ || is_shape(i);
  }

 private:
  // Whatever the settings say.
  bool is_secret(size_t i) {
    if (spec_.effect == Effect::Secret) return true;
    if (secrets_ > 0) {
      --secrets_;
      return true;
    }
    const bool has_credentials = spec_.shown == Shown::Hello || spec_.shown == Shown::Migrate;
    if (has_credentials && i > spec_.keep && !keys_follow_) {
      if (command_.is(i, "AUTH")) secrets_ = spec_.shown == Shown::Hello ? 2 : 1;
      if (command_.is(i, "AUTH2")) secrets_ = 2;
      if (!command_.is_whole(i)) secrets_ = kMaxArguments;  // it may be one of these words
      keys_follow_ = command_.is(i, "KEYS");
    }
    if (spec_.name == "ACL") return i > 2 && !command_.is(1, "DRYRUN");
    if (spec_.name == "CONFIG") return i > 2 && i % 2 == 1 && has_secret_before(i);
    if (spec_.name == "SENTINEL") return i > 2 && has_secret_before(i);
    if (spec_.name == "MODULE") return i > 3 && names_a_secret(command_.argument(i - 1));
    return false;
  }
  bool has_secret_before(size_t i) const {
    return !command_.is_whole(i - 1) || names_a_secret(command_.argument(i - 1));
  }
  bool is_shape(size_t i) const {
    switch (spec_.shown) {
      case Shown::First:
        return i <= spec_.keep;
      case Shown::All:
        return true;
      case Shown::Pairs:
        return i <= spec_.keep || (i - spec_.keep) % 2 == 1;
      case Shown::Keys:
        return i <= spec_.keep + 1U + keys_;
      case Shown::Script:
        return i > 1 && i <= spec_.keep + 1U + keys_;
      case Shown::Hello:
        return i <= 1 || command_.is(i, "AUTH") || command_.is(i, "SETNAME");
      case Shown::Migrate:
        return true;
      case Shown::Config:
        return i <= 1 || !command_.is(1, "SET") || i % 2 == 0;
    }
    return false;
  }

  const Command& command_;
  const CommandSpec& spec_;
  const bool raw_;
  uint64_t keys_ = 0;
  size_t secrets_ = 0;
  bool keys_follow_ = false;
};

bool is_plain(char c) {
  return static_cast<uint8_t>(c) > ' ' && c != '"' && c != '\'' && c != '\\' && c != '\x7f';
}

// As redis-cli would take it: in quotes if need be. What is no UTF-8 is the span's to replace.
void append_argument(std::string_view argument, std::string& into) {
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_plain)) {
    into += argument;
    return;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  into += '"';
  for (const char c : argument) {
    const auto byte = static_cast<uint8_t>(c);
    if (is_plain(c) || c == ' ' || c == '\'') {
      into += c;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      into += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (c == '"' || c == '\\') {
      into += '\\';
      into += c;
    } else {
      into += "\\x";
      into += kDigits[byte >> 4];
      into += kDigits[byte & 15];
    }
  }
  into += '"';
}

}  // namespace

const CommandSpec* find_command(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return nullptr;
  std::array<char, kMaxName> room;
  std::transform(name.begin(), name.end(), room.begin(), upper);
  const std::string_view capitals(room.data(), name.size());
  for (size_t slot = slot_of(capitals); kTable.slots[slot] != 0; slot = (slot + 1) % kSlots) {
    const CommandSpec& found = kTable.commands[kTable.slots[slot] - 1U];
    if (found.name == capitals) return &found;
  }
  return nullptr;
}

bool is_plausible_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (upper(c) >= 'A' && upper(c) <= 'Z') || c == '.' || c == '|' || c == '_' ||
                  c == '-';
         });
}

void Command::clear() {
  if (bytes_.capacity() > kMaxText) std::string().swap(bytes_);
  bytes_.clear();
  count_ = 0;
  announced = 0;
}

void Command::begin_argument() {
  if (count_++ < kMaxArguments) {
    arguments_[last()] = {.at = static_cast<uint16_t>(bytes_.size())};
  }
}

void Command::append(std::string_view bytes) {
  if (count_ > kMaxArguments) return;
  Argument& open = arguments_[last()];
  const size_t room = std::min(kMaxArgumentBytes - open.size,
                               kMaxCommandBytes - std::min(kMaxCommandBytes, bytes_.size()));
  const size_t size = std::min(bytes.size(), room);
  open.cut |= size < bytes.size();
  open.size = static_cast<uint16_t>(open.size + size);
  bytes_ += bytes.substr(0, size);
}

bool Command::is(size_t i, std::string_view word) const {
  return is_whole(i) && argument(i).size() == word.size() &&
         starts_with_ignoring_case(argument(i), word);
}

void append_text(const Command& command, const CommandSpec* spec, StatementText how,
                 std::string& into) {
  const size_t begin = into.size();
  const std::string_view name = command.argument(0);
  if (spec == nullptr) {
    const bool is_module = std::any_of(std::begin(kModules), std::end(kModules), [&](auto prefix) {
      return starts_with_ignoring_case(name, prefix);
    });
    spec = is_module ? &kModuleCommand : &kUnknownCommand;
    append_argument(name, into);
  } else {
    into += spec->name;
  }
  Filter filter(command, *spec, how == StatementText::Raw);
  for (size_t i = 1; i < command.kept() && into.size() - begin < kMaxText; ++i) {
    into += ' ';
    if (!filter.shows(i)) {
      into += '?';
      continue;
    }
    append_argument(command.argument(i), into);
    if (!command.is_whole(i)) into += "...";
  }
  if (into.size() - begin > kMaxText) {
    into.resize(begin + kMaxText);
    into += "...";
  } else if (command.kept() < command.count()) {
    into += " ...";
  }
}

}  // namespace clew::redis
