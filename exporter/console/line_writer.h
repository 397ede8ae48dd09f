// Puts text at columns of a line, styled or plain, without trailing blanks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/console/text.h"

namespace clew::console {

/// SGR parameters (ECMA-48, section 8.3.117); empty means no styling.
namespace ink {
inline constexpr std::string_view plain = "";
inline constexpr std::string_view dim = "2";
inline constexpr std::string_view bold = "1";
inline constexpr std::string_view red = "31";
inline constexpr std::string_view bold_red = "1;31";
inline constexpr std::string_view dim_red = "2;31";
inline constexpr std::string_view yellow = "33";
inline constexpr std::string_view bold_yellow = "1;33";
inline constexpr std::string_view green = "32";
inline constexpr std::string_view cyan = "36";
}  // namespace ink

class LineWriter {
 public:
  explicit LineWriter(bool color) : color_(color) {}

  /// Blanks up to `column` (0-based), if the line is not there yet.
  void move_to(size_t column) { target_ = column > target_ ? column : target_; }
  void skip(size_t columns) { target_ += columns; }

  /// `text` must be sanitised.
  void put(std::string_view text, std::string_view style = ink::plain, bool inverse = false) {
    const size_t blanks = text.size() - (text.find_last_not_of(' ') + 1);
    text.remove_suffix(blanks);
    if (!text.empty()) put_text(text, style, inverse);
    skip(blanks);
  }

  void end_line() {
    out_ += '\n';
    column_ = target_ = 0;
  }
  size_t column() const { return target_; }
  std::string take() { return std::move(out_); }

 private:
  void put_text(std::string_view text, std::string_view style, bool inverse) {
    out_.append(target_ - column_, ' ');
    column_ = target_ += display_width(text);
    if (!color_ || (style.empty() && !inverse)) {
      out_ += text;
      return;
    }
    out_ += "\x1b[";
    out_ += style;
    if (inverse) out_ += style.empty() ? "7" : ";7";
    out_.append("m").append(text).append("\x1b[0m");
  }

  bool color_;
  std::string out_;
  size_t column_ = 0;  // of what is in out_
  size_t target_ = 0;
};

}  // namespace clew::console
