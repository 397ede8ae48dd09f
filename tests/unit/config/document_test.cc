#include "agent/config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace clew {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = YamlNode::Kind;

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// The one error of `text` as "LINE: MESSAGE".
std::string only_error(std::string_view text) {
  std::vector<ConfigError> errors;
  parse_yaml(text, errors);
  if (errors.size() != 1) return std::to_string(errors.size()) + " errors";
  return std::to_string(errors[0].line) + ": " + errors[0].message;
}

TEST(ParseYaml, KeepsLinesAndOrder) {
  std::vector<ConfigError> errors;
  const YamlNode root = parse_yaml("# note\nb: 1\na:\n  - x\n  - {k: v}\nn:\n", errors);
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_EQ(root.kind, Kind::Map);
  ASSERT_EQ(root.entries.size(), 3u);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[0].line, 2);
  EXPECT_EQ(root.entries[0].value.text, "1");
  const YamlNode& list = root.entries[1].value;
  ASSERT_EQ(list.kind, Kind::List);
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].line, 4);
  EXPECT_EQ(list.items[1].entries[0].key, "k");
  EXPECT_EQ(root.entries[2].value.kind, Kind::Null);
}

TEST(ParseYaml, TakesEmptyTextAsNull) {
  for (const auto text : {""sv, "\n\n"sv, "# only a comment\n"sv, "---\n"sv}) {
    std::vector<ConfigError> errors;
    EXPECT_EQ(parse_yaml(text, errors).kind, Kind::Null);
    EXPECT_THAT(errors, IsEmpty());
  }
}

TEST(ParseYaml, FindsDuplicateKeysAtEveryLevel) {
  EXPECT_EQ(only_error("a: 1\nb: 2\na: 3\n"), "3: duplicate key 'a' (first on line 1)");
  EXPECT_EQ(only_error("s:\n  x: 1\n  x: 1\n"), "3: duplicate key 'x' (first on line 2)");
  EXPECT_EQ(only_error("- {x: 1, x: 2}\n"), "1: duplicate key 'x' (first on line 1)");
}

TEST(ParseYaml, NamesTheLineOfSyntaxErrors) {
  EXPECT_THAT(only_error("a: 1\nb: [1, 2\n"), HasSubstr("YAML syntax: "));
  EXPECT_THAT(only_error("a: 1\n\tb: 2\n"), ::testing::StartsWith("2: YAML syntax: "));
  EXPECT_THAT(only_error("a: [1\nb: 2\n"), HasSubstr("YAML syntax: "));
}

TEST(ParseYaml, MissesClosingQuotes) {
  for (const auto text : {"a: 'x"sv, "a: 'x\n"sv, "a: \"x\nb: 1\n"sv, "a: 'x\n\n# end\n"sv}) {
    EXPECT_THAT(only_error(text), HasSubstr("YAML syntax: ")) << text;
  }
}

TEST(ParseYaml, PutsAMissingValueOnTheLineOfItsKey) {
  std::vector<ConfigError> errors;
  const YamlNode root = parse_yaml("a:\n\n\nb: 1\n", errors);
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[0].value.line, 1);
}

TEST(ParseYaml, RefusesWhatAConfigurationDoesNotNeed) {
  EXPECT_EQ(only_error("a: &x 1\nb: *x\n"), "2: aliases (*name) are not supported");
  EXPECT_EQ(only_error("a: !!binary abc\n"), "1: tags (!name) are not supported");
  EXPECT_EQ(only_error("a: 1\n---\nb: 2\n"), "2: a second document; a configuration is one");
  EXPECT_EQ(only_error("{[a]: 1}\n"), "1: a key must be a plain word, not a list or a map");
  EXPECT_EQ(only_error("~: 1\n"), "1: a key is missing");
}

TEST(ParseYaml, RefusesBinary) {
  EXPECT_EQ(only_error("a: 1\nb: \0\n"sv), "2: not UTF-8 text");
  EXPECT_EQ(only_error("\x7f"
                       "ELF\x02\x01\x01\0\0"sv),
            "1: not UTF-8 text");
  EXPECT_EQ(only_error("\xff\xfe"
                       "a\0:\0"sv),
            "1: not UTF-8 text");
}

TEST(ParseYaml, BoundsSizeDepthAndCount) {
  EXPECT_EQ(only_error(std::string(kMaxConfigBytes + 1, ' ')), "1: larger than 1048576 bytes");
  for (const auto& [opener, closer] :
       std::map<std::string, std::string>{{"[", "]"}, {"{a: ", "}"}, {"- ", ""}, {"[{a: ", "}]"}}) {
    EXPECT_THAT(only_error(repeated(opener, 5000) + repeated(closer, 5000)),
                HasSubstr("nested deeper than 16 levels"))
        << opener;
    // Left open, yaml-cpp may see another error first.
    EXPECT_THAT(only_error(repeated(opener, 200'000)), ::testing::StartsWith("1: ")) << opener;
  }
  EXPECT_THAT(only_error(repeated("? ", 200'000)), ::testing::StartsWith("1: "));
  EXPECT_THAT(only_error(repeated("- \n", 100'001)), HasSubstr("more than 100000 values"));
}

TEST(ParseYaml, SurvivesAnAliasBomb) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + "," + before + "]\n";
  }
  EXPECT_EQ(only_error(text), "2: aliases (*name) are not supported");
}

}  // namespace
}  // namespace clew
