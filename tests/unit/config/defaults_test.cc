#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "agent/config/keys.h"
#include "agent/config/load.h"

namespace clew {
namespace {

using ::testing::HasSubstr;

std::string read_source(const std::string& path) {
  std::ifstream file(std::string(CLEW_SOURCE_DIR "/") + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_loads(std::string_view name, std::string_view text) {
  const auto loaded = load_config_text(name, text);
  if (loaded) return;
  for (const std::string& line : loaded.error()) ADD_FAILURE() << line;
}

// `yaml` with the keys that are commented out put to work: '#' in the first column, then no blank
// or the indentation of a nested key.
std::string uncommented(const std::string& yaml) {
  std::string out;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) {
    out += (line.starts_with("#  ") ? line.substr(1) : line) + '\n';
  }
  return out;
}

TEST(ConfigKeys, FollowTheirParentsAndAreUnique) {
  std::set<std::string_view> seen = {""};
  for (const ConfigKey& key : config_keys()) {
    EXPECT_TRUE(seen.contains(key.parent())) << key.path;
    EXPECT_TRUE(seen.insert(key.path).second) << key.path;
    const bool is_value =
        key.form != ConfigKey::Form::Section && key.form != ConfigKey::Form::Later;
    EXPECT_EQ(key.apply != nullptr, is_value) << key.path;
    if (key.form == ConfigKey::Form::Scalar) {
      EXPECT_FALSE(key.fallback.empty() && key.example.empty()) << key.path;
    }
  }
}

TEST(DefaultConfigYaml, LoadsToTheDefaults) {
  const auto loaded = load_config_text("defaults", default_config_yaml());
  ASSERT_TRUE(loaded) << loaded.error()[0];
  EXPECT_EQ(*loaded, Config{});
}

TEST(DefaultConfigYaml, HasEveryKeyUsable) {
  const auto loaded = load_config_text("defaults", uncommented(default_config_yaml()));
  ASSERT_TRUE(loaded) << loaded.error()[0];
  EXPECT_EQ(loaded->select.size(), 5u);
  ASSERT_EQ(loaded->exports.size(), 3u);
  EXPECT_EQ(loaded->exports[2].otlp, OtlpExport{}) << "the defaults it prints are the defaults";
  for (const ConfigKey& key : config_keys()) {
    if (key.form == ConfigKey::Form::Later) continue;
    EXPECT_THAT(default_config_yaml(), HasSubstr(fmt::format("{}:", key.name()))) << key.path;
  }
}

// Each key has its row; the message shows the row that is missing.
TEST(ConfigurationReference, HasTheRowOfEachKey) {
  const std::string text = read_source("docs/configuration.md");
  ASSERT_FALSE(text.empty());
  for (const ConfigKey& key : config_keys()) {
    const std::string fallback = key.fallback.empty() ? "" : fmt::format("`{}`", key.fallback);
    const std::string row =
        fmt::format("\n| `{}` | {} | {} | {} |\n", key.path, key.type, fallback, key.summary);
    EXPECT_TRUE(text.find(row) != std::string::npos) << row;
  }
}

TEST(ExampleConfig, Loads) {
  const std::string text = read_source("deploy/clew.yaml.example");
  ASSERT_FALSE(text.empty());
  expect_loads("deploy/clew.yaml.example", text);
}

}  // namespace
}  // namespace clew
