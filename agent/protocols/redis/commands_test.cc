// What is shown of commands.
#include "agent/protocols/redis/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/redis/test_support.h"

namespace clew::redis {
namespace {

std::string shown(std::initializer_list<std::string_view> words,
                  StatementText how = StatementText::Sanitized) {
  Command command;
  command.clear();
  for (const std::string_view word : words) {
    command.begin_argument();
    command.append(word);
  }
  std::string text;
  append_text(command, find_command(command.argument(0)), how, text);
  return text;
}

TEST(Commands, AreFoundInAnyCase) {
  ASSERT_NE(find_command("get"), nullptr);
  EXPECT_EQ(find_command("gEt")->name, "GET");
  EXPECT_EQ(find_command("RESTORE-ASKING")->name, "RESTORE-ASKING");
  EXPECT_EQ(find_command("GETT"), nullptr);
  EXPECT_EQ(find_command(""), nullptr);
  EXPECT_EQ(find_command(std::string(100, 'A')), nullptr);
}

TEST(Commands, PlausibleNames) {
  EXPECT_TRUE(is_plausible_name("JSON.GET"));
  EXPECT_TRUE(is_plausible_name("graph_query"));
  EXPECT_FALSE(is_plausible_name(""));
  EXPECT_FALSE(is_plausible_name("GET 1"));
  EXPECT_FALSE(is_plausible_name("user:17"));
  EXPECT_FALSE(is_plausible_name(std::string(33, 'A')));
}

TEST(CommandText, KeysAreShownAndValuesAreNot) {
  EXPECT_EQ(shown({"set", "k", "v", "EX", "10"}), "SET k ? ? ?");
  EXPECT_EQ(shown({"GET", "k"}), "GET k");
  EXPECT_EQ(shown({"DEL", "a", "b"}), "DEL a b");
  EXPECT_EQ(shown({"HMSET", "myhash", "field1", "Hello", "field2", "World"}),
            "HMSET myhash field1 ? field2 ?");
  EXPECT_EQ(shown({"MSET", "a", "1", "b", "2"}), "MSET a ? b ?");
  EXPECT_EQ(shown({"XADD", "s", "*", "f", "v"}), "XADD s * f ?");
  EXPECT_EQ(shown({"EXPIRE", "k", "60"}), "EXPIRE k 60");
  EXPECT_EQ(shown({"SETEX", "k", "60", "v"}), "SETEX k 60 ?");
  EXPECT_EQ(shown({"LPUSH", "l", "a", "b"}), "LPUSH l ? ?");
  EXPECT_EQ(shown({"PUBLISH", "c", "m"}), "PUBLISH c ?");
  EXPECT_EQ(shown({"ECHO", "hello"}), "ECHO ?");
  EXPECT_EQ(shown({"PING"}), "PING");
  EXPECT_EQ(shown({"ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "2"}),
            "ZUNIONSTORE d 2 a b ? ? ?");
  EXPECT_EQ(shown({"ZMPOP", "1", "a", "MIN"}), "ZMPOP 1 a ?");
}

TEST(CommandText, CommandsThatAreNotKnownShowNothing) {
  EXPECT_EQ(shown({"FROBNICATE", "a", "b"}), "FROBNICATE ? ?");
  EXPECT_EQ(shown({"JSON.SET", "k", "$", "{}"}), "JSON.SET k ? ?");
}

TEST(CommandText, ScriptsAreNotShownButTheirKeysAre) {
  EXPECT_EQ(shown({"EVAL", "return 'secret'", "2", "a", "b", "x"}), "EVAL ? 2 a b ?");
  EXPECT_EQ(shown({"EVALSHA", "abc", "1", "k", "x"}), "EVALSHA abc 1 k ?");
  EXPECT_EQ(shown({"FCALL", "f", "0", "x"}), "FCALL f 0 ?");
  EXPECT_EQ(shown({"EVAL", "return 1", "-1", "x"}), "EVAL ? -1 ?");
  EXPECT_EQ(shown({"EVAL", "return 1", "99999999999999999999", "x"}),
            "EVAL ? 99999999999999999999 ?");
  EXPECT_EQ(shown({"SCRIPT", "LOAD", "return 1"}), "SCRIPT LOAD ?");
  EXPECT_EQ(shown({"FUNCTION", "LOAD", "#!lua"}), "FUNCTION LOAD ?");
  EXPECT_EQ(shown({"EVAL", "return 1", "0"}, StatementText::Raw), "EVAL \"return 1\" 0");
}

TEST(CommandText, SecretsAreNeverShown) {
  for (const StatementText how : {StatementText::Sanitized, StatementText::Raw}) {
    const auto never = [&](std::initializer_list<std::string_view> words) {
      const std::string text = shown(words, how);
      EXPECT_EQ(text.find("hunter2"), text.npos) << text;
      return text;
    };
    EXPECT_EQ(never({"AUTH", "hunter2"}), "AUTH ?");
    EXPECT_EQ(never({"auth", "bob", "hunter2"}), "AUTH ? ?");
    EXPECT_EQ(never({"HELLO", "3", "auth", "bob", "hunter2", "SETNAME", "x"}).substr(0, 16),
              "HELLO 3 auth ? ?");
    EXPECT_EQ(never({"MIGRATE", "h", "6379", "k", "0", "10", "COPY", "AUTH", "hunter2"}),
              "MIGRATE h 6379 k 0 10 COPY AUTH ?");
    EXPECT_EQ(
        never({"MIGRATE", "h", "6379", "", "0", "10", "AUTH2", "bob", "hunter2", "KEYS", "a"}),
        "MIGRATE h 6379 \"\" 0 10 AUTH2 ? ? KEYS a");
    EXPECT_EQ(never({"ACL", "SETUSER", "bob", "on", ">hunter2", "+@all"}), "ACL SETUSER bob ? ? ?");
    never({"CONFIG", "SET", "maxmemory", "1", "requirepass", "hunter2", "masterauth", "hunter2"});
    EXPECT_EQ(never({"CONFIG", "SET", "requirepass", "hunter2"}), "CONFIG SET requirepass ?");
    never({"SENTINEL", "SET", "m", "auth-pass", "hunter2"});
    never({"CONFIG", "SET", "tls-key-file-pass", "hunter2"});
    // Who knows what the long word was.
    never({"HELLO", "3", std::string(200, 'A'), "bob", "hunter2"});
  }
}

TEST(CommandText, RawShowsTheRest) {
  EXPECT_EQ(shown({"SET", "k", "v w"}, StatementText::Raw), "SET k \"v w\"");
  EXPECT_EQ(shown({"CONFIG", "SET", "maxmemory", "1"}, StatementText::Raw),
            "CONFIG SET maxmemory 1");
  EXPECT_EQ(shown({"FROB", "a"}, StatementText::Raw), "FROB a");
}

TEST(CommandText, IsBounded) {
  Command command;
  command.clear();
  for (const std::string_view word : {"DEL"}) {
    command.begin_argument();
    command.append(word);
  }
  for (int i = 0; i < 1000; ++i) {
    command.begin_argument();
    command.append(std::string(300, 'k'));
  }
  EXPECT_FALSE(command.is_whole(1));
  std::string text;
  append_text(command, find_command("DEL"), StatementText::Sanitized, text);
  EXPECT_LE(text.size(), kMaxText + 4);
  EXPECT_TRUE(text.ends_with("..."));
  text.clear();
  append_text(command, find_command("SADD"), StatementText::Sanitized, text);
  EXPECT_TRUE(text.ends_with(" ...")) << text;
}

TEST(CommandText, BytesThatAreNoTextAreEscaped) {
  EXPECT_EQ(shown({"GET", std::string_view("a\0\n\"b", 5)}), "GET \"a\\x00\\n\\\"b\"");
  EXPECT_EQ(shown({"GET", ""}), "GET \"\"");
  EXPECT_EQ(shown({"GET", "k\xc3\xa4se"}), "GET k\xc3\xa4se");
}

}  // namespace
}  // namespace clew::redis
