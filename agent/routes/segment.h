// What a path segment stands for: a word of the program's own, or a value such as an id. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace clew {

/// A folded segment is at most this long; a word that is longer is shown as {name}.
constexpr size_t kMaxSegmentBytes = 64;

/// Where fold_segment() writes what it has to compose.
using SegmentRoom = std::array<char, kMaxSegmentBytes>;

/// Replaces the parts of a segment that are values by what they are:
///  - {id}: numbers of any length;
///  - {uuid}: 8-4-4-4-12 hexadecimal digits, or 32 of them;
///  - {hash}: 16 and more hexadecimal digits, and tokens that no words are in (base64url, ULID,
///    nanoid);
///  - {date}: 2024-05-01, 2024-05, 20240501, with or without a time;
///  - {email}, {ip}: addresses;
///  - {name}: what cannot be shown: percent-encoded, not ASCII, or longer than kMaxSegmentBytes.
/// Names with parts are folded by part (app.3f2a9c.js is app.{hash}.js, order-10023 is order-{id});
/// there, numbers of less than three digits are taken for words. What follows a ';' is dropped (RFC
/// 3986 section 3.3). Other segments are given back as they are.
/// The result lies in `segment`, in `room`, or is static. Time is linear in the segment's length;
/// never throws.
std::string_view fold_segment(std::string_view segment, SegmentRoom& room);

/// Whether three segments are a year, a month and a day, of 4, 2 and 2 digits.
bool is_date(std::string_view year, std::string_view month, std::string_view day);

}  // namespace clew
