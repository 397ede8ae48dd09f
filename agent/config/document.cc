#include "agent/config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "agent/config/text.h"

namespace clew {
namespace {

int line_of(const YAML::Mark& mark) {
  return std::max(mark.line, 0) + 1;
}

YamlNode make_node(YamlNode::Kind kind, const YAML::Mark& mark) {
  YamlNode node;
  node.kind = kind;
  node.line = line_of(mark);
  return node;
}

// Thrown through yaml-cpp to stop it at once; caught in parse_yaml, the border.
struct StopParsing {
  ConfigError error;
};

// Builds the tree from the parser's events. YAML::Load would resolve aliases (a small file can then
// stand for a huge tree) and drop duplicate keys; events show both.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<ConfigError>& errors) : errors_(errors) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(mark, "a second document; a configuration is one");
  }
  void OnDocumentEnd() override {}

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    stop(mark, "aliases (*name) are not supported");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (awaiting_key()) stop(mark, "a key is missing");
    add(make_node(YamlNode::Kind::Null, mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    if (awaiting_key()) {
      frames_.back().key = YamlEntry{value, line_of(mark), {}};
      return;
    }
    YamlNode node = make_node(YamlNode::Kind::Scalar, mark);
    node.text = value;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, YamlNode::Kind::List);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, YamlNode::Kind::Map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    std::optional<YamlEntry> key;           // Map: read, its value still to come
    std::map<std::string, int> first_line;  // Map: keys seen
  };

  [[noreturn]] static void stop(const YAML::Mark& mark, std::string message) {
    throw StopParsing{{line_of(mark), std::move(message)}};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are yaml-cpp's names for plain and for quoted nodes without a tag.
    if (!tag.empty() && tag != "?" && tag != "!") stop(mark, "tags (!name) are not supported");
  }

  bool awaiting_key() const {
    return !frames_.empty() && frames_.back().node.kind == YamlNode::Kind::Map &&
           !frames_.back().key;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YamlNode::Kind kind) {
    refuse_tag(mark, tag);
    if (awaiting_key()) stop(mark, "a key must be a plain word, not a list or a map");
    // Thrown before yaml-cpp descends: its recursion is never deeper than this.
    if (frames_.size() >= kMaxConfigDepth) {
      stop(mark, fmt::format("nested deeper than {} levels", kMaxConfigDepth));
    }
    frames_.push_back({make_node(kind, mark), {}, {}});
  }

  void close() {
    YamlNode node = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (++nodes_ > kMaxConfigNodes) {
      throw StopParsing{{node.line, fmt::format("more than {} values", kMaxConfigNodes)}};
    }
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = frames_.back();
    if (parent.node.kind == YamlNode::Kind::List) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    YamlEntry entry = std::move(*parent.key);
    parent.key.reset();
    const auto [first, is_new] = parent.first_line.try_emplace(entry.key, entry.line);
    if (!is_new) {
      errors_.push_back({entry.line, fmt::format("duplicate key {} (first on line {})",
                                                 in_quotes(entry.key), first->second)});
      return;
    }
    // yaml-cpp finds a missing value where the next thing begins.
    if (node.kind == YamlNode::Kind::Null) node.line = entry.line;
    entry.value = std::move(node);
    parent.node.entries.push_back(std::move(entry));
  }

  std::vector<ConfigError>& errors_;
  std::vector<Frame> frames_;
  YamlNode root_;
  int documents_ = 0;
  size_t nodes_ = 0;
};

bool check_text(std::string_view text, std::vector<ConfigError>& errors) {
  if (text.size() > kMaxConfigBytes) {
    errors.push_back({1, fmt::format("larger than {} bytes", kMaxConfigBytes)});
    return false;
  }
  if (const size_t bad = first_bad_utf8(text); bad != std::string_view::npos) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(bad), '\n');
    errors.push_back({static_cast<int>(line), "not UTF-8 text"});
    return false;
  }
  return true;
}

}  // namespace

YamlNode parse_yaml(std::string_view text, std::vector<ConfigError>& errors) {
  if (!check_text(text, errors)) return {};
  // After a line break yaml-cpp 0.7 takes the end of the file for a missing closing quote.
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  TreeBuilder builder(errors);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const StopParsing& stop) {
    errors.push_back(stop.error);
  } catch (const YAML::Exception& error) {
    errors.push_back({line_of(error.mark), "YAML syntax: " + error.msg});
  } catch (const std::exception& error) {
    errors.push_back({1, fmt::format("YAML syntax: {}", error.what())});
  }
  return builder.take_root();
}

}  // namespace clew
