// Text for a terminal: made harmless, measured in columns, cut to fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace clew::console {

/// `text` as a terminal may be given it: valid UTF-8 without control bytes. Controls (C0, DEL, C1)
/// become \xNN, characters that reorder or hide text become a middle dot, invalid bytes U+FFFD.
std::string sanitise(std::string_view text);

/// Columns that sanitised text takes: code points, combining marks as 0, wide East Asian ones as 2.
size_t display_width(std::string_view text);

/// Cut to at most `columns` with an ellipsis where characters went. `columns` 0 gives nothing.
std::string shorten_middle(std::string_view text, size_t columns);
std::string shorten_end(std::string_view text, size_t columns);

/// The longest prefix of at most `bytes` bytes that does not split a UTF-8 sequence.
std::string_view clip_bytes(std::string_view text, size_t bytes);

/// Three significant digits and a unit: "0.420 µs", "41.2 ms", "1.30 s".
std::string humane_duration(uint64_t nanoseconds);

/// "12,345".
std::string humane_count(uint64_t count);

}  // namespace clew::console
