// What is looked at many bytes at once: line feeds and names of headers.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/protocols/http1/line_feeds.h"
#include "agent/protocols/http1/parser.h"

namespace clew::http1 {
namespace {

TEST(LineFeeds, AreFoundWhereverTheyAre) {
  for (size_t size = 0; size < 200; ++size) {
    // Exactly as large as the text, so that a sanitizer sees what is read beyond it.
    const auto text = std::make_unique<char[]>(size);
    for (size_t i = 0; i < size; ++i) text[i] = i % 7 == size % 5 || i % 31 < 2 ? '\n' : 'x';
    for (size_t from = 0; from <= size; ++from) {
      LineFeeds feeds(text.get(), from, size);
      for (size_t i = from; i < size; ++i) {
        if (text[i] != '\n') continue;
        ASSERT_EQ(feeds.next(), i) << size << ' ' << from;
      }
      ASSERT_EQ(feeds.next(), size) << size << ' ' << from;
    }
  }
}

Framing framing_of(const std::string& name) {
  Parser parser(Side::Response);
  parser.start_at(0);
  const std::string text = "HTTP/1.1 200 OK\r\n" + name + ": 7\r\n\r\n";
  ByteView bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  while (true) {
    const Step step = parser.advance(bytes, true);
    if (step == Step::Head) return parser.head().framing;
    if (step != Step::Start) ADD_FAILURE() << "no head";
    if (step != Step::Start) return Framing::None;
  }
}

TEST(Head, NamesAreComparedWhateverTheirCaseAndNothingElse) {
  const std::string name = "content-length";
  EXPECT_EQ(framing_of(name), Framing::Length);
  EXPECT_EQ(framing_of("CONTENT-LENGTH"), Framing::Length);
  EXPECT_EQ(framing_of("Content-Length \t"), Framing::Length);
  EXPECT_EQ(framing_of("content-length-"), Framing::None);
  EXPECT_EQ(framing_of("content-lengt"), Framing::None);
  for (size_t at = 0; at < name.size(); ++at) {
    for (int c = 1; c < 256; ++c) {
      std::string other = name;
      other[at] = static_cast<char>(c);
      const bool is_same = c == name[at] || (name[at] != '-' && c == name[at] - 0x20);
      const bool is_line_end = c == '\n' || c == '\r' || c == ':' || (at == 0 && c == ' ');
      if (is_line_end) continue;
      EXPECT_EQ(framing_of(other), is_same ? Framing::Length : Framing::None) << at << ' ' << c;
    }
  }
}

}  // namespace
}  // namespace clew::http1
